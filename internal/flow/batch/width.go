package batch

import (
	"slices"
	"time"
)

// width learns how many calls at once are worth while: as many as the model has
// executors. It needs nothing from the model but how long calls take.
//
// It learns only while events wait and the level is used to the full. Then it
// compares calls at the level with calls at another, corrected for their sizes, by
// what Little's law makes of them: calls ÷ time. Where half as many calls more
// bring less than a quarter more, the rest waits inside the model; there it keeps
// others from sharing a call.
//
//	level   4 ┐     8?    down while fewer do as well, or up while more do more:
//	          └ 2 ┬───    halves and doubles first, then quarters
//	            1?└ 3?    both refused: again when a probe says so, after a while
//	                      that doubles where probes tell nothing, or when calls
//	                      take another time than then
//
// It is guarded by the mutex of its Queue.
type width struct {
	level   int // in force, but for a trial
	trial   int // level that is tried; 0: none
	fine    bool
	refused int           // directions in a row that were not worth while
	up      bool          // direction of the next trial
	due     time.Time     // of the next trial
	wait    time.Duration // between two of them
	again   time.Duration // until a trial that told nothing is made again
	asked   bool          // probes said that the next trial is worth while
	part    float64       // of what they would wait in a model that is busy, that those probes waited
	usual   float64       // and that probes wait where nothing is free
	heed    time.Time     // from then on probes are listened to: where they wait next to nothing, the last trial was not worth while either
	until   time.Time     // end of a trial that is not used to the full
	since   time.Time     // the level in force is what it is
	base    shots         // at the level
	tried   shots         // at the trial
	settled shots         // those at the level when both directions were refused
}

// shot is a call as width sees it.
type shot struct {
	began time.Time
	at    time.Time // it ended
	n     int
	took  float64 // seconds
	depth float64 // calls under way when it began, itself included: it waits inside the model for those
	wait  bool    // events waited when it ended
}

const (
	firstWidth = 4
	shotsLeast = 16
	shotsAgain = 8
	shotsOld   = 2 * time.Second
	trialLong  = time.Second
	againLeast = trialLong // doubles each time
	waitLeast  = 10 * time.Second
	waitMost   = time.Minute
	waitFull   = 5 * time.Second // at most, while calls leave as large as they may be
	worthPart  = 0.5             // of what more calls at once would bring at best
	blink      = 1e-6            // seconds; what is over sooner took as long
	leastUsual = 0.3             // part of what probes would wait in a model that is busy: what they wait at least where nothing is free
	otherTime  = 1.3             // quotient of two times that tells two models apart
)

func newWidth() width { return width{level: firstWidth, wait: waitLeast, again: againLeast, usual: 1} }

// now is how many calls there may be at once.
func (w *width) now() int {
	if w.trial > 0 {
		return w.trial
	}
	return w.level
}

// add takes a call in. full says that calls cannot be about more events.
func (w *width) add(s shot, full bool) {
	switch {
	case w.trial > 0 && s.at.After(w.until): // it is not used to the full
		w.judge(s.at)
	case s.began.Before(w.since) || !w.used(s):
	case w.trial == 0:
		w.base.add(s, w.need())
		w.begin(s.at, full)
	default:
		w.tried.add(s, w.need())
		if w.tried.whole(w.need()) {
			w.judge(s.at)
		}
	}
}

// used says whether a call tells something of the level in force: events wait, or
// at least half of what is tried beyond the level was needed.
func (w *width) used(s shot) bool {
	if w.trial > w.level {
		return s.depth >= float64(w.level+w.trial)/2
	}
	level := float64(w.now())
	return s.wait && s.depth >= level-max(0.25, level/8)
}

// need is how many calls say enough: fewer where it is only looked whether all is
// as it was.
func (w *width) need() int {
	if w.trial > 0 && len(w.settled) > 0 {
		return max(shotsAgain, w.trial/2)
	}
	return max(shotsLeast, w.now())
}

// set begins a trial, or with 0 ends it.
func (w *width) set(trial int, at time.Time) {
	w.trial, w.since, w.tried = trial, at, nil
}

// begin begins a trial when it is time for one.
func (w *width) begin(at time.Time, full bool) {
	w.base.drop(at.Add(-shotsOld))
	if w.base.whole(w.need()) {
		w.compare(at)
	}
	if !w.base.whole(w.need()) {
		return
	}
	if full && w.due.After(at.Add(waitFull)) {
		w.due = at.Add(waitFull)
	}
	if at.Before(w.due) {
		return
	}
	if trial := w.next(); trial > 0 {
		w.set(trial, at)
		w.until = at.Add(trialLong)
		return
	}
	w.turn(at)
}

// compare begins anew when calls take another time than when the level was found:
// without those it knows, of which some are of before the change.
func (w *width) compare(at time.Time) {
	if len(w.settled) == 0 || at.Sub(w.settled[len(w.settled)-1].at) < shotsOld {
		return
	}
	was, is := meanTimes(w.settled, w.base)
	if is > otherTime*was || is < was/otherTime {
		*w = width{level: w.level, since: at, wait: waitLeast, again: againLeast, usual: 1, up: is < was}
	}
}

// next is the level to try, 0 when there is none below one.
func (w *width) next() int {
	step := max(w.level/4, 1)
	switch {
	case w.up && w.fine:
		return w.level + step
	case w.up:
		return 2 * w.level
	case w.fine:
		return w.level - step
	}
	return w.level / 2
}

// judge ends a trial: the better level stays.
func (w *width) judge(at time.Time) {
	tried := w.tried
	trial := w.trial
	w.set(0, at)
	if len(tried) < shotsAgain { // there was too little to do
		w.due, w.again = at.Add(min(w.again, w.wait)), min(2*w.again, waitMost)
		return
	}
	w.again = againLeast
	atLevel, atTrial := meanTimes(w.base, tried)
	more, fewer := tried.depth()/atTrial, w.base.depth()/atLevel // calls a second, by Little's law
	best := tried.depth() / w.base.depth()
	if !w.up {
		more, fewer, best = fewer, more, 1/best
	}
	if worth := more/fewer >= 1+worthPart*(best-1); worth == w.up { // go on this way
		w.level, w.base, w.refused, w.asked = trial, tried, 0, false
		return
	}
	w.turn(at)
}

// turn tries the other direction next. When neither is worth while that is enough
// for now.
func (w *width) turn(at time.Time) {
	w.refused++
	w.up = !w.up
	switch {
	case w.refused < 2:
	case !w.fine && w.level > 2:
		w.fine, w.refused, w.up = true, 0, false
	case !w.fine && w.level == 2: // its half is one less
		w.fine, w.refused, w.up = true, 1, true
	default: // what costs least to look at then: more calls
		w.fine, w.refused, w.up = true, 1, true
		if len(w.settled) == 0 {
			w.settled = slices.Clone(w.base)
		}
		w.due, w.wait = at.Add(w.wait), min(2*w.wait, waitMost)
		if w.asked {
			w.asked, w.usual = false, max(w.part, leastUsual)
			if w.part <= leastUsual { // half of the usual is not news, either
				w.heed = w.due
			}
		}
	}
}

// settles says that both directions were refused, and nothing is tried.
func (w *width) settles() bool { return w.trial == 0 && len(w.settled) > 0 }

// told takes in which part of what they would wait in a model that is busy probes did
// wait. Where that is the usual one no trial is needed for now.
func (w *width) told(part float64, at time.Time) {
	switch {
	case !w.settles():
	case part > w.usual/2:
		w.usual += max(min(part, 1)-w.usual, 0) / 2
		w.wait, w.heed, w.asked = waitLeast, time.Time{}, false
		w.due = at.Add(waitLeast)
	case !at.Before(w.heed):
		w.asked, w.due, w.part = true, at, part
	}
}

// shots are the newest calls at a level, oldest first.
type shots []shot

func (s *shots) add(one shot, most int) {
	if len(*s) >= most {
		*s = slices.Delete(*s, 0, len(*s)-most+1)
	}
	*s = append(*s, one)
}

// drop forgets what is older.
func (s *shots) drop(before time.Time) {
	n := 0
	for n < len(*s) && (*s)[n].at.Before(before) {
		n++
	}
	*s = slices.Delete(*s, 0, n)
}

func (s *shots) whole(need int) bool { return len(*s) >= need }

// depth is how many calls were under way, as a mean.
func (s shots) depth() float64 { return s.mean(func(one shot) float64 { return one.depth }) }

func (s shots) size() float64 { return s.mean(func(one shot) float64 { return float64(one.n) }) }

func (s shots) mean(of func(shot) float64) float64 {
	sum := 0.0
	for _, one := range s {
		sum += of(one)
	}
	return sum / float64(max(len(s), 1))
}

// meanTimes are how long calls of a and of b take when they are about as many
// events: means without the eighth at each end, never less than a clock can tell
// apart.
func meanTimes(a, b shots) (ofA, ofB float64) {
	each, n := slope(a, b), (a.size()+b.size())/2
	return a.trimmed(each, n), b.trimmed(each, n)
}

func (s shots) trimmed(each, n float64) float64 {
	took := make([]float64, 0, len(s))
	for _, one := range s {
		took = append(took, one.took-each*(float64(one.n)-n))
	}
	slices.Sort(took)
	cut := len(took) / 8
	sum := 0.0
	for _, t := range took[cut : len(took)-cut] {
		sum += t
	}
	return max(sum/float64(max(len(took)-2*cut, 1)), blink)
}

// slope is what one event more costs in either, in seconds.
func slope(both ...shots) float64 {
	var nn, nt, n, t float64
	for _, s := range both {
		meanN, meanT := s.size(), s.mean(func(one shot) float64 { return one.took })
		for _, one := range s {
			dn, dt := float64(one.n)-meanN, min(one.took, 3*meanT)-meanT
			nn, nt, n, t = nn+dn*dn, nt+dn*dt, n+float64(one.n), t+one.took
		}
	}
	each := t / max(n, 1) // at most: nothing is fixed
	return min(max((nt+ridge*firstRatio*each/(1+firstRatio))/(nn+ridge), 0), each)
}
