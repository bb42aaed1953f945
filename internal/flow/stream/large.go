package stream

import (
	"errors"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// An ending may be too large for its topic, and something smaller is written in
// its place: a dead letter for a prediction, one without the payload for a dead
// letter. That is known late, when the lane of its event may have gone on; yet it
// must not come behind a later ending of its lane in the same topic. So a lane whose
// record is larger than any that its topic has taken waits until the outcome is
// known. A transaction, which closes when all is known, is aborted instead, and
// written again in order.

// handed is an ending that is handed over.
type handed struct {
	it     *item
	ending event.Ending
	record *kafka.Record
	lane   *lane // goes on once the outcome is known; nil: it has gone on
}

// holds keeps the lane of an ending back when its topic may not take it; else it
// goes on with the hand-over.
func (h *handed) holds(l *lane, most int64) bool {
	if l == nil || weight(h.record) <= most {
		return false
	}
	h.lane = l
	return true
}

// goOn lets the lane go on that waited for the outcome.
func (p *Processor) goOn(h *handed) {
	if h.lane != nil {
		p.next(h.lane)
	}
}

// took notes that a topic takes records as large as this one.
func (p *Processor) took(h *handed) {
	most := &p.taken[h.ending.Place]
	for n := weight(h.record); ; {
		old := most.Load()
		if n <= old || most.CompareAndSwap(old, n) {
			return
		}
	}
}

// weight is the bytes of a record, but for what its form adds.
func weight(r *kafka.Record) int64 {
	n := len(r.Key) + len(r.Value)
	for i := range r.Headers {
		n += len(r.Headers[i].Name) + len(r.Headers[i].Value)
	}
	return int64(n)
}

// errPassed says that a transaction does not keep the order of a key.
var errPassed = errors.New("an ending is too large for its topic, and a later one of its key is written: all are written again, in order")

// rewrite writes endings that were too large otherwise, unless a later one of
// their lane is in the same place.
func (x *transaction) rewrite(large []*heldBack) error {
	type spot struct {
		lane  uint64
		place event.Place
	}
	waits := make(map[*heldBack]bool, len(large))
	for _, h := range large {
		waits[h] = true
	}
	passed := map[spot]bool{}
	again := make([]*heldBack, 0, len(large))
	for _, h := range x.all {
		at := spot{x.t.p.laneID(h.it.event), h.ending.Place}
		switch {
		case waits[h]:
			passed[at] = true
			again = append(again, h)
		case passed[at]:
			return errPassed
		}
	}
	for _, h := range again {
		x.record(h)
	}
	return nil
}
