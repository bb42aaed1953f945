package verify

import (
	"fmt"
	"time"

	"betimes/internal/event"
)

// copied judges an ending of what had ended.
func (c *Checker) copied(one *accepted, e *ending) {
	id := c.ids.get(one.id)
	other := one.places&terminal&^(1<<e.place) != 0
	if one.copies == 0 {
		c.counts.Duplicated++
	}
	one.copies = saturated(one.copies)
	// Topics are read side by side: which of two endings was first, their times say.
	before, again := one.recorded+int64(one.last)-1, e.recorded
	if other && again < before {
		before, again = again, before
	}
	why, excused := c.excuse(e.source, time.UnixMilli(before), time.UnixMilli(again))
	switch {
	case other:
		c.counts.TwoPlaces++
		if !excused || c.cfg.Faults == nil {
			c.found.add(TwoPlaces, id.hash, e.at, "it ended elsewhere as well, "+why)
		}
	case !excused:
		c.counts.Unexcused++
		c.found.add(Duplicated, id.hash, e.at, "it ended here twice, "+why)
	}
}

// excuse says whether an event may have ended again.
func (c *Checker) excuse(source event.Source, before, at time.Time) (why string, ok bool) {
	why = fmt.Sprintf("%s apart", at.Sub(before))
	switch {
	case c.cfg.ExactlyOnce:
		return why, false
	case c.cfg.Faults == nil:
		return why, true
	}
	if c.cfg.Finished != nil {
		if done, known := c.cfg.Finished(source); known && at.After(done.Add(c.cfg.InFlight)) {
			return why + ", and was committed", false
		}
	}
	for _, f := range c.cfg.Faults {
		if !before.Before(f.From.Add(-c.cfg.InFlight)) && !before.After(f.To) && !at.Before(f.From) {
			return why, true
		}
	}
	return why + ", without a fault between", false
}

// order holds the ending against those of its lane in the same place.
func (c *Checker) order(one *accepted, e *ending) {
	if one.lane == 0 {
		return
	}
	l := c.lanes.get(one.lane)
	newest := &l.last[e.place]
	if one.number < *newest {
		c.counts.Reordered++
		c.found.add(KeyOrder, c.ids.get(one.id).hash, e.at, fmt.Sprintf("%d later ones of its key had ended", *newest-one.number))
		return
	}
	if e.transactional && one.number > *newest+1 && len(c.skips) < mostSkips {
		c.skips = append(c.skips, skip{one.lane, one.number, *newest, e.at, c.ids.get(one.id).hash})
	}
	*newest = one.number
}

// skip is an ending in a transaction that came before one of an earlier event.
type skip struct {
	lane         uint32
	number, last uint32 // within its lane: its own, and that of the one before
	at           event.Source
	id           uint64
}

// mostSkips bounds how many are looked at in the end.
const mostSkips = 10_000
