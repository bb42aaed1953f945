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

// disturbance is something done to workers or brokers.
type disturbance struct {
	what     string
	from, to time.Time // to: the group commits again
}

// inFlight is how old, at a fault, an ending may be that is written again: it
// was acknowledged, and its commit was under way.
const inFlight = time.Second

// books are what is known of a run.
type books struct {
	keys      map[string]string    // of events, by source
	endings   []ending             // in the order of each partition
	committed map[string]time.Time // when the group was seen beyond an event
	faults    []disturbance
	loaded    time.Time // end of the load
	exactly   bool      // nothing may be there twice
}

// tally is what became of events.
type tally struct {
	events, lost, reordered, elsewhere, strange int

	duplicated, unexcused int           // predicted again; of those, not in flight at a fault
	gap                   time.Duration // longest time without any prediction under load
	during                string        // the fault before it
	uncommitted           time.Duration // longest time without commits after a fault
}

func (c tally) String() string {
	return fmt.Sprintf("events %d, lost %d, reordered %d, elsewhere %d, duplicated %d (not in flight %d), longest time without a prediction %s (%s), without a commit %s",
		c.events, c.lost, c.reordered, c.elsewhere, c.duplicated, c.unexcused, c.gap, c.during, c.uncommitted)
}

// wrong lists what was promised and is not so.
func (c tally) wrong() []string {
	var all []string
	for what, n := range map[string]int{
		"lost": c.lost, "reordered": c.reordered, "elsewhere": c.elsewhere, "not of any event": c.strange, "duplicated, not in flight": c.unexcused,
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
			}
		default:
			offset := offsetOf(e.source)
			if before, has := newest[key]; has && offset < before {
				c.reordered++
			}
			first[e.source], newest[key] = e.at, max(newest[key], offset)
		}
	}
	c.lost = len(b.keys) - len(first)
	c.gap, c.during = b.gap()
	for _, f := range b.faults {
		c.uncommitted = max(c.uncommitted, f.to.Sub(f.from))
	}
	return c
}

func offsetOf(source string) int64 {
	var partition int
	var offset int64
	_, _ = fmt.Sscanf(source, "events:%d:%d", &partition, &offset)
	return offset
}

// excused tells whether a copy is of an event that was in flight at a fault:
// predicted shortly before or while no commit was possible, and not committed.
func (b *books) excused(e ending, before time.Time) bool {
	if done, ok := b.committed[e.source]; ok && e.at.After(done.Add(inFlight)) {
		return false
	}
	for _, f := range b.faults {
		if !before.Before(f.from.Add(-inFlight)) && !before.After(f.to) && !e.at.Before(f.from) {
			return true
		}
	}
	return false
}

// gap is the longest time without predictions under load, and the fault before it.
func (b *books) gap() (longest time.Duration, during string) {
	var all []time.Time
	for _, e := range b.endings {
		all = append(all, e.at)
	}
	slices.SortFunc(all, time.Time.Compare)
	for i := 1; i < len(all) && all[i].Before(b.loaded); i++ {
		if gap := all[i].Sub(all[i-1]); gap > longest {
			longest, during = gap, "at the start"
			for _, f := range b.faults {
				if !f.from.After(all[i]) {
					during = f.what
				}
			}
		}
	}
	return longest, during
}

func TestATallyNoticesWhatIsPlanted(t *testing.T) {
	begin := time.UnixMilli(1_700_000_000_000)
	at := func(ms int) time.Time { return begin.Add(time.Duration(ms) * time.Millisecond) }
	keys := map[string]string{"events:0:0": "a", "events:0:1": "b", "events:0:2": "a"}
	sound := []ending{{"predictions", "events:0:0", at(0)}, {"predictions", "events:0:2", at(10)}, {"predictions", "events:0:1", at(20)}}
	faults := []disturbance{{"worker killed", at(30), at(40)}}
	committed := map[string]time.Time{"events:0:2": at(15)}
	for name, tt := range map[string]struct {
		endings []ending
		want    string
	}{
		"nothing":                        {sound, "[]"},
		"a lost event":                   {sound[:2], "[lost 1]"},
		"a dead letter":                  {append(slices.Clone(sound[:2]), ending{"dead-letters", "events:0:1", at(20)}), "[elsewhere 1 lost 1]"},
		"an event nobody wrote":          {append(slices.Clone(sound), ending{"predictions", "events:1:0", at(20)}), "[not of any event 1]"},
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
