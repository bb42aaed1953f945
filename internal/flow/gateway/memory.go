package gateway

import (
	"errors"
	"hash/maphash"
	"math"
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

// memory gives the same id the same answer for a while.
type memory struct {
	window int32 // ticks
	max    int
	seeds  [3]maphash.Seed

	mu      sync.Mutex
	topic   string            // of every answer
	index   map[digest]uint32 // place of an id's newest answer
	answers ring
	pending map[digest]*ticket
}

func newMemory(c IdempotencyConfig) *memory {
	return &memory{
		window:  int32(min(max(c.Window/tick, 1), math.MaxInt32)),
		max:     max(c.Max, 1),
		seeds:   [3]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed(), maphash.MakeSeed()},
		index:   map[digest]uint32{},
		pending: map[digest]*ticket{},
	}
}

// tick is what ages of answers are counted in. 31 bits of it are 248 days.
const tick = 10 * time.Millisecond

func ticks(at time.Time) uint32 { return uint32(at.UnixMilli() / tick.Milliseconds()) }

// age is how many ticks lie between two moments; it may be less than 0, as
// clocks are read before the lock is taken.
func age(since, now uint32) int32 { return int32(now - since) }

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
	if a := m.known(d, now); a != nil {
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

// holds says whether begin would find the id.
func (m *memory) holds(id string, now time.Time) bool {
	d := m.digest(id)
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.pending[d] != nil || m.known(d, now) != nil
}

// known gives the answer of an id within the window, or nil.
func (m *memory) known(d digest, now time.Time) *answer {
	place, ok := m.index[d]
	if !ok {
		return nil
	}
	if a := m.answers.at(place); age(a.since, ticks(now)) < m.window {
		return a
	}
	return nil
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
			m.put(answer{t.id, t.body, src.Offset, src.Partition, ticks(now)})
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
	d, now := m.digest(id), time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known(d, now) != nil { // the first one is the one that was answered
		return
	}
	m.topic = src.Topic
	m.put(answer{d, sum, src.Offset, src.Partition, ticks(now)})
}

// put adds an answer and drops those too old or too many.
func (m *memory) put(a answer) {
	m.index[a.id] = m.answers.push(a)
	for {
		oldest := m.answers.at(m.answers.head)
		if age(oldest.since, a.since) < m.window && m.answers.len() <= m.max {
			return
		}
		if m.index[oldest.id] == m.answers.head { // else it has a newer answer
			delete(m.index, oldest.id)
		}
		m.answers.pop()
	}
}

// len is how many ids are remembered.
func (m *memory) len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.index)
}
