package verify

import (
	"bytes"
	"encoding/json"
	"fmt"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// ending is what is kept of a record of a topic where events end.
type ending struct {
	place    place
	at       event.Source // of the record
	source   event.Source // of its event
	recorded int64        // ms
	id       uint64
	key      uint64
	value    uint32 // checksum of key and value
	headers  uint32
	envelope uint64 // hash of the id within the value; 0: none

	reason, bare, async, missed, transactional, ofEvent bool
}

// readEnding keeps what matters of a record.
func readEnding(p place, e *kafka.Entry) ending {
	ev := e.Event
	out := ending{
		place: p, at: ev.Source, recorded: ev.Recorded.UnixMilli(), key: keyHash(ev.Key), transactional: e.Transactional,
		value: valueSum(ev), headers: foreignSum(ev), id: fnv(ev.Header(event.HeaderID)),
		reason: len(ev.Header(event.HeaderReason)) > 0,
	}
	out.source, out.ofEvent = event.ParseSource(string(ev.Header(event.HeaderSource)))
	switch {
	case p == predicted:
		out.open(ev.Value)
	case len(ev.Value) == 0:
		out.bare = bytes.Contains(ev.Header(event.HeaderError), []byte("too large"))
	}
	return out
}

// open reads what a prediction's envelope says of its event; other formats say nothing.
func (e *ending) open(value []byte) {
	var envelope struct {
		ID     string
		Status string
		Cache  string
	}
	if json.Unmarshal(value, &envelope) != nil || envelope.ID == "" {
		return
	}
	e.envelope = fnv([]byte(envelope.ID))
	e.async = envelope.Status == "async"
	e.missed = envelope.Status == "ok" && (envelope.Cache == "miss" || envelope.Cache == "off")
}

// accept notes a record of the topic of events. c.mu is held.
func (c *Checker) accept(e *kafka.Entry) {
	ev := e.Event
	one := c.books.shelf(ev.Source.Partition).at(ev.Source.Offset)
	if one == nil {
		return
	}
	c.counts.Events++
	c.waiting++
	one.flags |= flagPresent
	one.recorded, one.value, one.headers = ev.Recorded.UnixMilli(), valueSum(ev), foreignSum(ev)
	one.lane = c.laneOf(ev)
	if one.lane != 0 {
		l := c.lanes.get(one.lane)
		l.count++
		one.number = l.count
	}
	c.identified(one, ev)
	c.came(ev.Source)
}

// laneOf gives the lane in which order is kept, 0 for none.
func (c *Checker) laneOf(ev *event.Event) uint32 {
	switch {
	case c.cfg.Order == ByPartition:
		return c.lane(uint64(ev.Source.Partition) + 1)
	case c.cfg.Order == ByKey && len(ev.Key) > 0:
		return c.lane(keyHash(ev.Key))
	}
	return 0
}

// identified counts the records of an id. One without an id has its place for one.
func (c *Checker) identified(one *accepted, ev *event.Event) {
	name := ev.OwnID()
	if name == "" {
		name = ev.Source.String()
	}
	one.id = c.identify(fnv([]byte(name)))
	if ev.Header(event.HeaderReplays) != nil {
		one.flags |= flagReplay
		c.counts.Replays++
		return
	}
	id := c.ids.get(one.id)
	id.seen = saturated(id.seen)
	if id.seen > 1 {
		c.counts.Repeated++
	}
}

// apply holds an ending against its event.
func (c *Checker) apply(one *accepted, e *ending) {
	c.counts.Places[e.place]++
	c.right(one, e)
	if e.place == parked {
		c.park(one)
		return
	}
	c.pace[e.recorded/100]++
	if one.places&terminal == 0 {
		c.firstEnding(one, e)
	} else {
		c.copied(one, e)
	}
	if one.places&(1<<e.place) == 0 && !e.async {
		c.order(one, e)
	}
	one.places |= 1 << e.place
	if e.missed {
		one.flags |= flagMissed
	}
	one.last = max(one.last, since(one.recorded, e.recorded))
}

// right asks whether the record is that of its event.
func (c *Checker) right(one *accepted, e *ending) {
	id := c.ids.get(one.id)
	switch {
	case e.id != id.hash:
		c.found.add(WrongRecord, id.hash, e.at, "it has the id of another event")
	case e.at.Partition != e.source.Partition:
		c.found.add(WrongRecord, id.hash, e.at, fmt.Sprintf("its event is in partition %d", e.source.Partition))
	case e.envelope != 0 && e.envelope != id.hash:
		c.found.add(WrongRecord, id.hash, e.at, "its value has the id of another event")
	case c.cfg.Order == ByKey && one.lane != 0 && c.lanes.get(one.lane).hash != e.key:
		c.found.add(WrongRecord, id.hash, e.at, "it has another key than its event")
	}
	if e.place == predicted {
		return
	}
	if !e.reason {
		c.found.add(NoReason, id.hash, e.at, "no header says why it is here")
	}
	switch {
	case e.bare:
		c.counts.Bare++
	case e.value != one.value:
		c.found.add(BytesChanged, id.hash, e.at, "key or value is not the original's")
	case e.headers != one.headers:
		c.found.add(BytesChanged, id.hash, e.at, "foreign headers are not the original's")
	}
}

// park notes that an event waits for its key.
func (c *Checker) park(one *accepted) {
	if one.places&(terminal|1<<parked) == 0 {
		c.waiting--
		c.counts.Parked++
	}
	one.places |= 1 << parked
}

func (c *Checker) firstEnding(one *accepted, e *ending) {
	if one.places&(1<<parked) == 0 {
		c.waiting--
	}
	c.counts.Ended++
	one.first = since(one.recorded, e.recorded)
}

// since is how many ms after the other a time is, plus one, within what fits.
func since(from, to int64) uint32 { return uint32(min(max(to-from, 0), 1<<31)) + 1 }
