package stream

import (
	"fmt"
	"slices"
	"time"

	"betimes/internal/event"
)

// With poison: park an event that would become a dead letter parks its key: it
// is written to the topic parked, and so is each later event of the key, in
// order, without asking the model. Other keys flow. What waits there is known by
// the offset at which each event first came in, its origin, and read from the
// topic when a partition is assigned.
//
//	events   a1 b1 a2 b2 …  a1' a2'        a1 is poison; later both come back
//	parked         a1 a2                   waiting: a1 a2, then a2, then none
//	predictions    b1 b2         a1 a2     the key flows again
//
// A key flows again when the last of its waiting events has come back through
// the events topic and ended, or was dropped. Until then each of its events waits
// for those before it by origin, whether it is new or has come back too early.

// Waiting is one event in the topic parked.
type Waiting struct {
	Partition int32 // of the events topic
	Key       []byte
	Letter    int64 // offset in parked
	Origin    int64 // see event.Event.Origin
	Into      int64 // offset in events of the record that brings it back; below zero: none does yet
}

// parkRetry is the pause before what waits is asked for again.
const parkRetry = time.Second

// lot is what waits of one partition. It is guarded by Processor.mu; nil where
// nothing is ever parked.
type lot struct {
	read    bool            // it is known what waits
	early   []*item         // came before that
	dropped []int64         // letters dropped before that
	keys    map[uint64]line // by lane
	count   int
}

// line is what waits of one key, by origin.
type line []spot

type spot struct {
	origin int64
	letter int64 // offset in parked; below zero: not acknowledged yet
}

func (q line) find(origin int64) (int, bool) {
	return slices.BinarySearchFunc(q, origin, func(s spot, origin int64) int { return int(min(max(s.origin-origin, -1), 1)) })
}

// put adds a waiting event, or says where its newest record is.
func (l *lot) put(lane uint64, s spot) {
	q := l.keys[lane]
	i, known := q.find(s.origin)
	if known {
		q[i].letter = s.letter
		return
	}
	l.keys[lane] = slices.Insert(q, i, s)
	l.count++
}

// remove takes out the events of a lane that gone names.
func (l *lot) remove(lane uint64, gone func(spot) bool) {
	q := l.keys[lane]
	kept := slices.DeleteFunc(q, gone)
	l.count -= len(q) - len(kept)
	if len(kept) == 0 {
		delete(l.keys, lane)
	} else {
		l.keys[lane] = kept
	}
}

// turn is what is to be done with the first event of a lane.
type turn uint8

const (
	turnAsk    turn = iota // it may be worked on
	turnWait               // it waits for one before it
	turnWaited             // it is in parked already
)

// turn looks for an event in what waits of its key. One from before all of it, read
// again after a crash, is worked on, and so is the first of it that comes back.
func (q line) turn(e *event.Event) (t turn, first int64) {
	if len(q) == 0 {
		return turnAsk, 0
	}
	first = q[0].origin
	origin, replayed := e.Origin()
	_, waits := q.find(origin)
	switch {
	case origin < first || replayed && origin == first:
		return turnAsk, 0
	case waits && !replayed:
		return turnWaited, first
	}
	return turnWait, first
}

// inTurn says whether an event may be worked on. One that may not is parked, and
// its lane goes on.
func (p *Processor) inTurn(it *item) bool {
	if it.part.lot == nil {
		return true
	}
	p.mu.Lock()
	ending, must := p.behind(it)
	p.mu.Unlock()
	if !must {
		return true
	}
	it.event.Timeline.Mark(event.StageQueue, time.Now())
	if !p.dropIfGone(it) {
		p.handOver(it, ending)
	}
	return false
}

// behind makes the ending of an event that must wait behind others of its key, if
// it must; when no more may wait, it is a dead letter. p.mu is held.
func (p *Processor) behind(it *item) (ending event.Ending, must bool) {
	id := it.part.id
	switch t, first := it.part.lot.keys[p.laneID(it.event)].turn(it.event); {
	case t == turnAsk:
		return event.Ending{}, false
	case t == turnWaited:
		return event.Ending{Place: event.Duplicate}, true
	case p.park(it):
		err := fmt.Errorf("waits behind %s of its key", event.Source{Topic: id.Topic, Partition: id.Number, Offset: first})
		return event.Ending{Place: event.Parked, Reason: event.ReasonKeyParked, Stage: event.StageQueue, Err: err}, true
	default:
		err := fmt.Errorf("should wait behind %d of its key, but %d events wait already (flow.stream.park_max)", first, p.config.ParkMax)
		return event.Ending{Place: event.DeadLetter, Reason: event.ReasonParkFull, Stage: event.StageQueue, Err: err}, true
	}
}

// park notes that an event waits; it says no when too many do. p.mu is held.
func (p *Processor) park(it *item) bool {
	l, id := it.part.lot, p.laneID(it.event)
	origin, _ := it.event.Origin()
	if _, again := l.keys[id].find(origin); !again && l.count >= p.config.ParkMax {
		return false
	}
	l.put(id, spot{origin, -1})
	return true
}

// poisoned makes the ending of an event that its key is parked for, or notes that
// it waits no more. One that was held on probation has left its lane: it may be
// parked while those behind it are in work.
func (p *Processor) poisoned(it *item, ending event.Ending) event.Ending {
	if it.part.lot == nil {
		return ending
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if waits, must := p.behind(it); must {
		return waits
	}
	if ending.Place == event.DeadLetter && len(it.event.Key) > 0 && p.config.then(ending.Reason) == thenPark {
		if p.park(it) {
			ending.Place = event.Parked
			return ending
		}
		it.event.Decisions.Add("stream", "park", "full")
	}
	origin, _ := it.event.Origin()
	it.part.lot.remove(p.laneID(it.event), func(s spot) bool { return s.origin == origin })
	return ending
}

// parked notes where an event waits.
func (p *Processor) parked(it *item, letter int64) {
	id := p.laneID(it.event)
	p.mu.Lock()
	defer p.mu.Unlock()
	origin, _ := it.event.Origin()
	if q := it.part.lot.keys[id]; len(q) > 0 {
		if i, waits := q.find(origin); waits {
			q[i].letter = letter
		}
	}
}
