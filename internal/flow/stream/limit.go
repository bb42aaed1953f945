package stream

import (
	"math"
	"time"
)

// limiter says how many attempts may be under way at once: a given number, or
// one that it learns from how long they take (concurrency: auto).
//
// It learns only while events wait for a slot: what an idle worker does not need
// says nothing. Then it compares itself with itself: a while at a little more
// than the limit, a while at a little less, always in that turn. By Little's law
// the throughput of each is slots ÷ time. Where a tenth more slots bring less
// than a fortieth more throughput, the rest is a queue inside the endpoint, and
// the limit falls, but not below where it began while attempts are over in 10 ms
// anyway; else it rises. There is no remembered best time that could
// grow old, and no dip to measure one.
//
//	limit            high ┌──────┐      ┌───────┐        each long enough for three
//	─────── base ─────────┤      ├──────┤       ├────    turns of all slots; the turn
//	 events wait ▲     low       └──────┘       └────    after a change does not count
//
// An endpoint that refuses for load (throttles) is answered at once: less by a
// fifth until it takes all, then halfway back to where it refused, until both
// meet. There it stays for a while that grows with each time the same is found.
//
// How many calls an endpoint takes is not its concern: balance learns that, and
// while most events wait there nothing is learned here. Nor is anything where events
// share calls: batch learns how many calls there are, and the more events it knows
// of the better it joins them.
//
// It is one limit for all endpoints of a worker. It is not safe for concurrent use.
type limiter struct {
	fixed          bool
	floor, ceiling int
	limit          int     // in force
	base           float64 // between the high and the low
	phase          phase
	skip           int // attempts to come that began under another limit
	window         window
	high           reading // of this pair
	share          float64 // what the pair before brought

	good     int // limit at which nothing was refused, although all slots were used
	refused  int // lowest limit at which calls were refused; 0: none that is remembered
	until    time.Time
	patience time.Duration
	settled  int // refused of the time before
}

// phase is where in a comparison the limiter is.
type phase uint8

const (
	resting phase = iota // at base: no event waits for a slot, or a refusal is remembered
	above
	below
)

// What is known of one attempt when its slot is free again.
type verdict uint8

const (
	answered  verdict = iota
	throttled         // refused for load
	troubled          // failed for another fault of the endpoint
	nothing           // there was no attempt
)

// sample is one attempt.
type sample struct {
	at      time.Time
	took    time.Duration // the slot was held
	verdict verdict
	full    bool // all slots were used and an event waited for this one
	held    bool // most of the time it waited for its endpoint to take it
}

// window is what is counted at one limit.
type window struct {
	began                            time.Time
	n, full, held, refused, troubled int
	took                             float64 // seconds, of all together
}

// reading is one limit and how long attempts took under it.
type reading struct {
	limit int
	took  float64 // mean, in seconds
}

const (
	startLimit   = 64 // before anything is known
	floorLimit   = 4
	ceilingLimit = 1024

	spread     = 1.15 // high is so much more than base, low so much less
	worth      = 0.25 // share of an increase that must come back as throughput
	gain       = 0.5  // of a comparison; more: quicker and less steady
	clear      = 0.75 // share that, twice running, doubles the gain
	retreat    = 0.8  // of the limit after a refusal
	short      = 0.01 // seconds; for a queue that is over so soon the limit does not fall below where it began
	blink      = 1e-6 // seconds; what is over sooner took as long
	windowTime = 200 * time.Millisecond
	windowMost = 400 // attempts; few say little where they are uneven
	turnsLeast = 3   // attempts for each slot, though they be more
	turnsMost  = 10  // though they be fewer

	patienceMin = 5 * time.Second // until more is tried than was refused
	patienceMax = time.Minute
)

// newLimiter learns when fixed is 0, unless events share calls. Without as many
// events there is nothing to do at once, so most bounds what is learned.
func newLimiter(fixed, most int, share bool) *limiter {
	switch {
	case fixed > 0:
		return &limiter{fixed: true, limit: fixed}
	case share:
		return &limiter{fixed: true, limit: min(ceilingLimit, most)}
	}
	l := &limiter{ceiling: min(ceilingLimit, most), patience: patienceMin, share: worth}
	l.floor = min(floorLimit, l.ceiling)
	l.base = float64(min(startLimit, l.ceiling))
	l.limit = int(l.base)
	return l
}

// add takes a sample in, and says whether the limit is another now.
func (l *limiter) add(s sample) bool {
	if l.fixed || s.verdict == nothing {
		return false
	}
	if l.skip > 0 {
		l.skip--
		return false
	}
	w := &l.window
	if w.n == 0 {
		w.began = s.at
	}
	w.add(s)
	whole := w.n >= max(turnsLeast*l.limit, min(turnsMost*l.limit, windowMost)) && s.at.Sub(w.began) >= windowTime
	if !whole && w.refused < l.limit { // so many refusals say enough
		return false
	}
	was := l.limit
	l.close(s.at)
	l.window = window{}
	if l.limit == was {
		return false
	}
	l.skip = was
	return true
}

func (w *window) add(s sample) {
	w.n++
	switch s.verdict {
	case throttled:
		w.refused++
	case troubled:
		w.troubled++
	}
	if s.full {
		w.full++
	}
	if s.held {
		w.held++
	}
	w.took += max(s.took, 0).Seconds() // a clock may step back
}

// mean is how long an attempt took, never less than a clock can tell apart: the
// quotient of two means must be a number.
func (w *window) mean() float64 { return max(w.took/float64(w.n), blink) }

// close draws the conclusion of a window.
func (l *limiter) close(now time.Time) {
	w := &l.window
	switch {
	case w.refused*100 > w.n:
		l.retreat(now)
	case w.troubled*10 > w.n, w.held*2 > w.n, w.full*10 < w.n*9:
		l.rest()
	case l.refused > 0:
		l.good = l.limit
		l.approach(now)
	default:
		l.good = l.limit
		l.compare(reading{l.limit, w.mean()})
	}
}

// rest goes back to base: the window says nothing.
func (l *limiter) rest() {
	l.phase = resting
	l.limit = l.round(l.base)
}

// compare goes on in the turn of high and low, and moves base after both.
func (l *limiter) compare(r reading) {
	high, low := l.round(math.Ceil(l.base*spread)), l.round(math.Floor(l.base/spread))
	switch {
	case high == low:
		return
	case l.phase == above:
		l.high, l.phase, l.limit = r, below, low
		return
	case l.phase == below:
		l.move(r)
		high = l.round(math.Ceil(l.base * spread))
	}
	l.phase, l.limit = above, high
}

// move moves base by what the increase from low to high brought.
func (l *limiter) move(low reading) {
	more := math.Log(float64(l.high.limit) / float64(low.limit))
	through := more - math.Log(l.high.took/low.took)
	share, step := min(max(through/more, -worth), 1), gain
	if share > clear && l.share > clear {
		step *= 2
	}
	least := float64(l.floor)
	if l.high.took <= short {
		least = min(l.base, startLimit)
	}
	l.base *= math.Exp(step * ((share+l.share)/2 - worth))
	l.base = min(max(l.base, least), float64(l.ceiling))
	l.share = share
}

// retreat takes slots away after refusals.
func (l *limiter) retreat(now time.Time) {
	n := l.limit
	if l.refused == 0 || n < l.refused {
		l.refused = n
	}
	l.until = now.Add(l.patience)
	back := int(retreat * float64(n))
	if l.good > back && l.good < n {
		back = l.good
	}
	l.good = 0
	l.base = max(float64(back), float64(l.floor))
	l.rest()
}

// approach goes halfway to where calls were refused, and stays when there is
// nothing between, until it is time to try more.
func (l *limiter) approach(now time.Time) {
	if next := (l.limit + l.refused) / 2; next > l.limit {
		l.base = float64(next)
		l.until = now.Add(l.patience)
	} else if now.After(l.until) {
		l.forget()
	}
	l.rest()
}

// forget lets comparisons go on above what was refused. Found again at the same
// place, it is remembered longer.
func (l *limiter) forget() {
	if d := float64(l.refused - l.settled); math.Abs(d) <= 0.2*float64(l.settled) {
		l.patience = min(2*l.patience, patienceMax)
	} else {
		l.patience = patienceMin
	}
	l.settled, l.refused = l.refused, 0
}

// round keeps n within floor and ceiling.
func (l *limiter) round(n float64) int { return min(max(int(n), l.floor), l.ceiling) }
