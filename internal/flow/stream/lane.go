package stream

import (
	"hash/maphash"
	"time"

	"betimes/internal/event"
)

// item is one event in the processor's hands.
type item struct {
	event   *event.Event
	part    *partition
	lane    *lane
	next    *item // behind it in its lane
	seq     int64 // in the partition's tracker
	size    int64 // counted against the byte bound
	counted int   // attempts used up
	failed  time.Time
	last    time.Time // of the newest failure
	cause   error     // of the newest failure
	out     int64     // bytes of its prediction that wait for the brokers
	probe   bool      // its newest attempt is the one that may begin while every call fails
	away    bool      // its newest attempt failed for the endpoint's fault
	bare    bool      // its record was too large: payload and headers stay where they are
}

// lane holds the events of one key of one partition, in order. The first one is
// in work or waits for another attempt; the others wait for it.
type lane struct {
	id          uint64
	first, last *item
	behind      int // items behind the first
}

func (l *lane) push(it *item) {
	it.lane = l
	if l.first == nil {
		l.first = it
	} else {
		l.last.next = it
		l.behind++
	}
	l.last = it
}

// waiting is how many events wait for the first one.
func (l *lane) waiting() int {
	if l == nil {
		return 0
	}
	return l.behind
}

// pop takes the first item out.
func (l *lane) pop() {
	l.first = l.first.next
	if l.first == nil {
		l.last = nil
		return
	}
	l.behind--
}

// The values of order.
const (
	orderKey       = "key"       // events of one key of one partition
	orderPartition = "partition" // all events of one partition
	orderNone      = "none"      // every event goes alone
)

// laneID tells the lane of an event. Two keys may share a lane: then they are
// ordered among each other too, which harms nothing.
func (p *Processor) laneID(e *event.Event) uint64 {
	part := uint64(e.Source.Partition)
	switch {
	case p.config.Order == orderPartition:
		return part
	case p.config.Order == orderNone || len(e.Key) == 0: // an event without a key is its own
		return part<<48 ^ uint64(e.Source.Offset) ^ 0x9e3779b97f4a7c15
	}
	return p.keyLane(e.Source.Partition, e.Key)
}

// keyLane is the lane of a key.
func (p *Processor) keyLane(partition int32, key []byte) uint64 {
	return maphash.Bytes(p.seed, key) ^ uint64(partition)*0x9e3779b97f4a7c15
}

// ring is a queue of lanes that are ready to be worked on.
type ring struct {
	lanes []*lane
	head  int
}

func (r *ring) push(l *lane) { r.lanes = append(r.lanes, l) }

func (r *ring) empty() bool { return r.head == len(r.lanes) }

func (r *ring) pop() *lane {
	if r.head == len(r.lanes) {
		return nil
	}
	l := r.lanes[r.head]
	r.lanes[r.head] = nil
	r.head++
	if r.head == len(r.lanes) {
		r.lanes, r.head = r.lanes[:0], 0
	} else if r.head > 1024 && r.head*2 > len(r.lanes) {
		r.lanes = append(r.lanes[:0], r.lanes[r.head:]...)
		r.head = 0
	}
	return l
}
