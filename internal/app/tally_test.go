package app

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// ending is one record of a topic where events end.
type ending struct {
	topic, source string
	at            time.Time
}

// disturbance is something done to workers or brokers, or that a worker told of itself.
type disturbance struct {
	what           string
	from, done, to time.Time // done: nothing more is done; to: the group commits again
	takes          bool      // what is in flight with it: others do that again
	// lost says that a worker had lost its partitions to others before it knew: what
	// it was about to write comes even after their commits.
	lost bool
}

// books are what is known of a run.
type books struct {
	keys      map[string]string    // of events, by source
	endings   []ending             // in the order of each partition
	committed map[string]time.Time // when the group was seen beyond an event
	commits   []time.Time          // when the group was seen further than before
	looks     []time.Time          // when somebody looked
	paces     []pace               // of all workers
	faults    []disturbance
	loaded    time.Time // end of the load
	exactly   bool      // nothing may be there twice
}

// tally is what became of events.
type tally struct {
	events, lost, reordered, elsewhere, strange int

	early                 int           // committed before they were predicted
	duplicated, unexcused int           // predicted again; of those, not in flight at a fault
	gap                   time.Duration // longest time without any prediction under load
	during                string        // the fault before it
	uncommitted, unseen   time.Duration // longest time without a commit under load, and without anybody who looked for one
	copies                []string      // of those not in flight
}

func (c tally) String() string {
	return fmt.Sprintf("events %d, lost %d, reordered %d, elsewhere %d, duplicated %d (not in flight %d), longest time without a prediction %s (%s), without a commit %s (without a look for one %s)",
		c.events, c.lost, c.reordered, c.elsewhere, c.duplicated, c.unexcused, c.gap, c.during, c.uncommitted, c.unseen)
}

// wrong lists what was promised and is not so.
func (c tally) wrong() []string {
	var all []string
	for what, n := range map[string]int{
		"lost": c.lost, "committed before it was predicted": c.early, "reordered": c.reordered, "elsewhere": c.elsewhere, "not of any event": c.strange, "duplicated, not in flight": c.unexcused,
	} {
		if n > 0 {
			all = append(all, fmt.Sprint(what, " ", n))
		}
	}
	slices.Sort(all)
	return all
}

// count compares events with their endings. Order is that of first predictions.
func (b *books) count() tally {
	c := tally{events: len(b.keys)}
	first, newest := map[string]time.Time{}, map[string]int64{}
	for _, e := range b.endings {
		key, known := b.keys[e.source]
		switch before, again := first[e.source]; {
		case !known:
			c.strange++
		case e.topic != "predictions":
			c.elsewhere++
		case again:
			c.duplicated++
			if b.exactly || !b.excused(e, before) {
				c.unexcused++
				c.copies = append(c.copies, b.describe(e, before))
			}
		default:
			offset := offsetOf(e.source)
			if before, has := newest[key]; has && offset < before {
				c.reordered++
			}
			first[e.source], newest[key] = e.at, max(newest[key], offset)
			if done, ok := b.committed[e.source]; ok && e.at.After(done) {
				c.early++
			}
		}
	}
	c.lost = len(b.keys) - len(first)
	c.gap, c.during = b.gap()
	c.uncommitted, _ = longest(b.commits, b.loaded)
	c.unseen, _ = longest(b.looks, b.loaded)
	return c
}

func offsetOf(source string) int64 {
	var partition int
	var offset int64
	_, _ = fmt.Sscanf(source, "events:%d:%d", &partition, &offset)
	return offset
}

// inFlight is how old an ending may be at a fault: the slowest worker says it.
func (b *books) inFlight(f disturbance) time.Duration {
	age := inFlight
	for _, p := range b.paces {
		age = max(age, f.from.Sub(p.since(f.from)))
	}
	return age
}

// excused tells whether a copy is of an event that was in flight at a fault that
// took it: predicted shortly before or while no commit was possible, and not committed.
func (b *books) excused(e ending, before time.Time) bool {
	if done, ok := b.finished(e.source); ok && e.at.After(done.Add(inFlight)) {
		return false
	}
	for _, f := range b.faults {
		if f.takes && !before.Before(f.from.Add(-b.inFlight(f))) && !before.After(f.to) && !e.at.Before(f.from) {
			return true
		}
	}
	return false
}

// describe tells what is known of a copy.
func (b *books) describe(e ending, before time.Time) string {
	const clock = "15:04:05.000"
	text := fmt.Sprintf("%s was predicted at %s and at %s", e.source, before.Format(clock), e.at.Format(clock))
	if done, ok := b.committed[e.source]; ok {
		text += ", and seen committed at " + done.Format(clock)
	}
	return text
}

// finished is from when on nobody could do an event again: the group was seen
// beyond it, and no worker had still to learn that it has lost its partitions.
func (b *books) finished(source string) (time.Time, bool) {
	done, ok := b.committed[source]
	for _, f := range b.faults {
		if f.lost && !done.Before(f.from) && done.Before(f.to) {
			done = f.to
		}
	}
	return done, ok
}

// gap is the longest time without predictions under load, and the fault before it.
func (b *books) gap() (gap time.Duration, during string) {
	var all []time.Time
	for _, e := range b.endings {
		all = append(all, e.at)
	}
	slices.SortFunc(all, time.Time.Compare)
	gap, end := longest(all, b.loaded)
	during = "at the start"
	for _, f := range b.faults {
		if !f.from.After(end) {
			during = f.what
		}
	}
	return gap, during
}

// longest is the longest time between two of these times before until, and its end.
func longest(all []time.Time, until time.Time) (gap time.Duration, end time.Time) {
	for i := 1; i < len(all) && all[i].Before(until); i++ {
		if d := all[i].Sub(all[i-1]); d > gap {
			gap, end = d, all[i]
		}
	}
	return gap, end
}

func TestATallyNoticesWhatIsPlanted(t *testing.T) {
	begin := time.UnixMilli(1_700_000_000_000)
	at := func(ms int) time.Time { return begin.Add(time.Duration(ms) * time.Millisecond) }
	keys := map[string]string{"events:0:0": "a", "events:0:1": "b", "events:0:2": "a"}
	sound := []ending{{"predictions", "events:0:0", at(0)}, {"predictions", "events:0:2", at(10)}, {"predictions", "events:0:1", at(20)}}
	faults := []disturbance{{what: "worker killed", from: at(30), done: at(31), to: at(40), takes: true}}
	committed := map[string]time.Time{"events:0:2": at(15)}
	for name, tt := range map[string]struct {
		endings []ending
		want    string
	}{
		"nothing":                        {sound, "[]"},
		"a lost event":                   {sound[:2], "[lost 1]"},
		"a dead letter":                  {append(slices.Clone(sound[:2]), ending{"dead-letters", "events:0:1", at(20)}), "[elsewhere 1 lost 1]"},
		"an event nobody wrote":          {append(slices.Clone(sound), ending{"predictions", "events:1:0", at(20)}), "[not of any event 1]"},
		"a commit before its prediction": {[]ending{sound[0], {"predictions", "events:0:2", at(16)}, sound[2]}, "[committed before it was predicted 1]"},
		"a key out of order":             {[]ending{sound[1], sound[0], sound[2]}, "[reordered 1]"},
		"again after a fault":            {append(slices.Clone(sound), ending{"predictions", "events:0:0", at(50)}), "[]"},
		"again before any fault":         {append(slices.Clone(sound), ending{"predictions", "events:0:0", at(25)}), "[duplicated, not in flight 1]"},
		"again, committed long before":   {append(slices.Clone(sound), ending{"predictions", "events:0:2", at(1050)}), "[duplicated, not in flight 1]"},
		"again, finished long before it": {append([]ending{{"predictions", "events:0:0", at(-1500)}}, sound...), "[duplicated, not in flight 1]"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := fmt.Sprint((&books{keys: keys, endings: tt.endings, committed: committed, faults: faults, loaded: at(100)}).count().wrong()); got != tt.want {
				t.Errorf("it says %s, want %s", got, tt.want)
			}
		})
	}
}

// turns are those of a worker with a round every so often.
func turns(from, to time.Time, every time.Duration) pace {
	p := pace{from: from}
	for at := from; !at.Add(every).After(to); at = at.Add(every) {
		p.rounds = append(p.rounds, round{at, at.Add(every)})
	}
	return p
}

func TestAWorkerIsMissedOnlyWhenItOrTheBrokersHadNoTime(t *testing.T) {
	begin := time.UnixMilli(1_700_000_000_000)
	at := func(s int) time.Time { return begin.Add(time.Duration(s) * time.Second) }
	for name, tt := range map[string]struct {
		pace pace
		want bool
	}{
		"it had its turns":                 {turns(at(0), at(30), 105*time.Millisecond), false},
		"it had few":                       {turns(at(0), at(30), 700*time.Millisecond), true},
		"it had none since":                {turns(at(0), at(21), 105*time.Millisecond), true},
		"it had none before, and many now": {pace{from: at(0), rounds: append(turns(at(0), at(10), time.Second/2).rounds, turns(at(20), at(30), 105*time.Millisecond).rounds...)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			f, got := tt.pace.missed("one", at(25))
			if got != tt.want {
				t.Errorf("excused %v, want %v", got, tt.want)
			}
			if f.from.After(at(19)) || f.to.Before(at(25)) {
				t.Errorf("from %s to %s of a session that ended at %s", f.from, f.to, at(25))
			}
		})
	}
}

func TestATallyExcusesWhatASlowMachineDoesAgainAndNothingElse(t *testing.T) {
	begin := time.UnixMilli(1_700_000_000_000)
	at := func(ms int) time.Time { return begin.Add(time.Duration(ms) * time.Millisecond) }
	killed := disturbance{what: "worker killed", from: at(20_000), done: at(20_010), to: at(21_000), takes: true}
	missed := disturbance{what: "worker was missed", from: at(10_000), done: at(18_000), to: at(18_000), takes: true, lost: true}
	quick, slow := turns(at(0), at(30_000), 105*time.Millisecond), turns(at(0), at(30_000), 700*time.Millisecond)
	gone := turns(at(0), at(15_000), 3*time.Second)
	gone.to = at(16_000)
	stalls := turns(at(0), at(15_000), 105*time.Millisecond)
	for name, tt := range map[string]struct {
		paces         []pace
		fault         disturbance
		first, second int // when it was predicted
		committed     int // when that was seen; 0: never
		excused       bool
	}{
		"in the second before":                        {[]pace{quick}, killed, 19_100, 26_000, 0, true},
		"two seconds before, all had time":            {[]pace{quick, quick}, killed, 18_000, 26_000, 0, false},
		"two seconds before, one had little":          {[]pace{quick, slow}, killed, 18_000, 26_000, 0, true},
		"ten rounds before":                           {[]pace{quick, slow}, killed, 12_000, 26_000, 0, false},
		"two seconds before, who is gone was slow":    {[]pace{quick, gone}, killed, 18_000, 26_000, 0, false},
		"five seconds before, one stalled since":      {[]pace{quick, stalls}, killed, 15_000, 26_000, 0, true},
		"seven seconds before, one stalled later":     {[]pace{quick, stalls}, killed, 13_000, 26_000, 0, false},
		"a fault that takes nothing":                  {[]pace{quick}, disturbance{what: "broker killed", from: at(20_000), to: at(21_000)}, 19_900, 26_000, 0, false},
		"long after its commit":                       {[]pace{quick}, killed, 19_900, 26_000, 24_000, false},
		"by a worker that others have missed":         {[]pace{quick}, missed, 12_000, 17_000, 13_000, true},
		"by that worker, after it had to know of it":  {[]pace{quick}, missed, 12_000, 20_000, 13_000, false},
		"while it is missed, and committed before it": {[]pace{quick}, missed, 9_900, 17_000, 9_950, false},
	} {
		t.Run(name, func(t *testing.T) {
			b := books{paces: tt.paces, faults: []disturbance{tt.fault}, committed: map[string]time.Time{}}
			if tt.committed > 0 {
				b.committed["events:0:1"] = at(tt.committed)
			}
			if got := b.excused(ending{source: "events:0:1", at: at(tt.second)}, at(tt.first)); got != tt.excused {
				t.Errorf("excused %v, want %v: in flight is what ended up to %s before", got, tt.excused, b.inFlight(tt.fault))
			}
		})
	}
}
