package gateway

import (
	"errors"
	"hash/maphash"
	"sync"
	"time"

	"betimes/internal/event"
)

// errOtherBody says that an id came before with another payload.
var errOtherBody = errors.New("the id was used with another body")

// digest stands for an id: 128 bits under secret seeds, so that no caller can
// choose two ids that meet, and a million of them hold no pointer.
type digest struct{ a, b uint64 }

// ticket is one event being made durable; all who sent its id wait for it.
type ticket struct {
	id   digest
	body uint64
	kept bool // in memory: its id was the caller's

	done   chan struct{} // closed when source or err is there
	source event.Source
	err    error
}

// answer is what a durable event's id is remembered by. The topic is one for all.
type answer struct {
	body      uint64 // 0: not known, any body is the same
	offset    int64
	at        int64 // Unix milliseconds
	partition int32
}

// memory gives the same id the same answer for a while.
type memory struct {
	window int64 // milliseconds
	max    int
	seeds  [3]maphash.Seed

	mu      sync.Mutex
	topic   string
	answers map[digest]answer
	order   queue // of answers, oldest first
	pending map[digest]*ticket
}

func newMemory(c IdempotencyConfig) *memory {
	return &memory{
		window:  max(c.Window.Milliseconds(), 1),
		max:     max(c.Max, 1),
		seeds:   [3]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed(), maphash.MakeSeed()},
		answers: map[digest]answer{},
		pending: map[digest]*ticket{},
	}
}

func (m *memory) digest(id string) digest {
	return digest{maphash.String(m.seeds[0], id), maphash.String(m.seeds[1], id)}
}

// sum is never 0, which means unknown.
func (m *memory) sum(body []byte) uint64 { return max(maphash.Bytes(m.seeds[2], body), 1) }

// fresh makes the ticket of an event whose id nobody can have sent before.
func (m *memory) fresh() *ticket { return &ticket{done: make(chan struct{})} }

// begin returns the ticket of id and whether the caller is the first and must
// make it durable. Everyone else waits for the same ticket.
func (m *memory) begin(id string, body []byte, now time.Time) (t *ticket, first bool, err error) {
	d, sum := m.digest(id), m.sum(body)
	m.mu.Lock()
	defer m.mu.Unlock()
	if t, ok := m.pending[d]; ok {
		if t.body != sum {
			return nil, false, errOtherBody
		}
		return t, false, nil
	}
	if a, ok := m.answers[d]; ok && now.UnixMilli()-a.at < m.window {
		if a.body != 0 && a.body != sum {
			return nil, false, errOtherBody
		}
		t := &ticket{id: d, done: settled, source: event.Source{Topic: m.topic, Partition: a.partition, Offset: a.offset}}
		return t, false, nil
	}
	t = &ticket{id: d, body: sum, kept: true, done: make(chan struct{})}
	m.pending[d] = t
	return t, true, nil
}

// settled is the done of tickets that were made durable before.
var settled = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// settle ends a ticket. One that failed is forgotten, so that it can be sent again.
func (m *memory) settle(t *ticket, src event.Source, err error, now time.Time) {
	t.source, t.err = src, err
	if t.kept {
		m.mu.Lock()
		delete(m.pending, t.id)
		if err == nil {
			m.topic = src.Topic
			m.put(t.id, answer{t.body, src.Offset, now.UnixMilli(), src.Partition})
		}
		m.mu.Unlock()
	}
	close(t.done)
}

// recall remembers an event accepted before this process began.
func (m *memory) recall(id string, value []byte, src event.Source) {
	var sum uint64
	if value != nil {
		sum = m.sum(value)
	}
	d := m.digest(id)
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.answers[d]; known { // the first one is the one that was answered
		return
	}
	m.topic = src.Topic
	m.put(d, answer{sum, src.Offset, time.Now().UnixMilli(), src.Partition})
}

// put adds an answer and drops those too old or too many.
func (m *memory) put(d digest, a answer) {
	m.answers[d] = a
	m.order.push(d, a.at)
	for m.order.len() > 0 {
		oldest, at := m.order.first()
		if a.at-at < m.window && m.order.len() <= m.max {
			return
		}
		m.order.pop()
		if kept, ok := m.answers[oldest]; ok && kept.at == at {
			delete(m.answers, oldest)
		}
	}
}

// len is how many ids are remembered.
func (m *memory) len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.answers)
}

// queue is a first-in first-out list in one slice.
type queue struct {
	list []queued
	head int
}

type queued struct {
	id digest
	at int64
}

func (q *queue) len() int               { return len(q.list) - q.head }
func (q *queue) first() (digest, int64) { return q.list[q.head].id, q.list[q.head].at }
func (q *queue) pop()                   { q.head++ }

// push adds to the end; the space of what was popped is used again once it is half of all.
func (q *queue) push(id digest, at int64) {
	if len(q.list) == cap(q.list) && q.head > len(q.list)/2 {
		q.list = q.list[:copy(q.list, q.list[q.head:])]
		q.head = 0
	}
	q.list = append(q.list, queued{id, at})
}
