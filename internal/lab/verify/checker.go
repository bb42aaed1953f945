package verify

import (
	"fmt"
	"sync"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// Checker takes in what was sent, what the topics hold and what the model was
// asked, in any order, and judges. Many goroutines may tell it.
type Checker struct {
	cfg Config

	mu      sync.Mutex
	books   books
	ids     table[identity, *identity]
	lanes   table[lane, *lane]
	bySeq   list[uint32] // of the ledger: number of the id
	queues  map[kafka.Partition]*queue
	awaited map[event.Source][]kafka.Partition // the queues that an event holds up
	queued  int
	orphans []orphan
	bounds  map[kafka.Partition]bounds
	commits map[kafka.Partition]int64
	before  []Partition // of an earlier verdict
	skips   []skip
	found   *findings
	pace    map[int64]int // endings by tenth of a second

	told, waiting int64 // records told of; events without an ending
	counts        Counts
	journal       bool // calls were told of
}

// bounds are where a partition begins and ends, as the brokers say.
type bounds struct{ start, end int64 }

// New makes a Checker that knows nothing yet.
func New(cfg Config) *Checker {
	cfg = cfg.withDefaults()
	return &Checker{
		cfg:     cfg,
		books:   books{log: map[kafka.Partition]*book{}, events: map[int32]*shelf{}},
		queues:  map[kafka.Partition]*queue{},
		awaited: map[event.Source][]kafka.Partition{},
		bounds:  map[kafka.Partition]bounds{},
		found:   newFindings(cfg.Keep),
		pace:    map[int64]int{},
	}
}

// Log tells of a record as it lies in the log, also of aborted ones and markers.
func (c *Checker) Log(e *kafka.Entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	src := e.Event.Source
	b := c.books.book(kafka.Partition{Topic: src.Topic, Number: src.Partition})
	if !c.goOn(b, lying, e) {
		return
	}
	one := b.at(src.Offset)
	if one == nil {
		return
	}
	c.told++
	one.flags |= logSeen
	switch {
	case e.Marker != kafka.NoMarker:
		one.flags |= logMarker
		b.settle(e.Producer, e.Marker == kafka.Aborted)
	case e.Transactional:
		one.flags |= logOpen
		b.open[e.Producer] = append(b.open[e.Producer], src.Offset)
	}
	c.compare(one, e)
}

// settle gives the open records of a producer their fate.
func (b *book) settle(producer int64, aborted bool) {
	for _, offset := range b.open[producer] {
		if one := b.look(offset); one != nil {
			one.flags &^= logOpen
			if aborted {
				one.flags |= logAborted
			}
		}
	}
	delete(b.open, producer)
}

// Read tells of a record that a reader of committed ones was given.
func (c *Checker) Read(e *kafka.Entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	src := e.Event.Source
	b := c.books.book(kafka.Partition{Topic: src.Topic, Number: src.Partition})
	if !c.goOn(b, committed, e) {
		return
	}
	one := b.at(src.Offset)
	if one == nil {
		return
	}
	c.told++
	again := one.flags&logCounted != 0
	one.flags |= logRead | logCounted
	if e.Marker != kafka.NoMarker {
		one.flags |= logMarker
		return
	}
	if e.Stable > 0 && src.Offset >= e.Stable {
		c.found.add(PrecommittedRead, 0, src, fmt.Sprintf("read while committed ones ended at %d", e.Stable))
	}
	c.compare(one, e)
	if again { // by an earlier session
		return
	}
	if src.Topic == c.cfg.Topics.Events {
		c.accept(e)
	} else if p, ok := c.cfg.Topics.place(src.Topic); ok {
		c.end(readEnding(p, e))
	}
}

// goOn moves a reading forward, or says that it went back.
func (c *Checker) goOn(b *book, reading int, e *kafka.Entry) bool {
	src := e.Event.Source
	next := b.next[reading]
	if src.Offset < next {
		c.found.add(NonmonotonicPoll, 0, src, fmt.Sprintf("after %d", next-1))
		return false
	}
	b.next[reading] = src.Offset + 1
	return true
}

// compare holds what an offset has against what it had.
func (c *Checker) compare(one *logged, e *kafka.Entry) {
	if e.Marker != kafka.NoMarker {
		return
	}
	sum := recordSum(e.Event)
	if one.flags&logKnown != 0 && one.sum != sum {
		c.found.add(InconsistentOffsets, 0, e.Event.Source, "another reading found another record here")
	}
	one.sum, one.flags = sum, one.flags|logKnown
}

// Committed tells what a group had committed before the topics were read.
func (c *Checker) Committed(next map[kafka.Partition]int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.commits = next
}

// Call tells that the model was asked about an event. Tell of all calls or none.
func (c *Checker) Call(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.journal = true
	c.counts.Calls++
	one := c.ids.get(c.identify(fnv([]byte(id))))
	one.calls = saturated(one.calls)
}

func saturated(n uint8) uint8 { return min(n, 254) + 1 }

// identify gives the number of an id.
func (c *Checker) identify(hash uint64) uint32 {
	n, made := c.ids.add(hash)
	if made {
		one := c.ids.get(n)
		one.hash, one.offset = hash, -1
	}
	return n
}

// lane gives the number of a lane.
func (c *Checker) lane(hash uint64) uint32 {
	n, made := c.lanes.add(hash)
	if made {
		one := c.lanes.get(n)
		one.hash, one.floor = hash, -1
	}
	return n
}

// begin begins a session of reading: what is known stays, to be compared.
func (c *Checker) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, b := range c.books.log {
		b.next = [2]int64{}
		b.open = map[int64][]int64{}
		for i := range b.records.n {
			if one := b.records.look(i); one != nil {
				one.flags &^= logSeen | logRead | logOpen | logAborted
			}
		}
	}
	c.bounds = map[kafka.Partition]bounds{}
}
