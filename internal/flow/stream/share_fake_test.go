package stream

import (
	"context"
	"sync"
	"testing"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// queue is a share group in memory: what is released, or held by a member that
// is gone, is given again until it was delivered most times.
type queue struct {
	mu        sync.Mutex
	waiting   []*event.Event
	delivered map[event.Source]int
	accepted  map[event.Source]bool
	held      map[*event.Event]bool
	flushed   int
	halted    []kafka.Partition
	most      int
	more      chan struct{}
}

func newQueue() *queue {
	return &queue{
		delivered: map[event.Source]int{}, accepted: map[event.Source]bool{}, held: map[*event.Event]bool{},
		most: 5, more: make(chan struct{}, 1),
	}
}

// send appends events of one partition.
func (q *queue) send(values ...string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, v := range values {
		now := time.Now()
		e := &event.Event{Key: []byte("k"), Value: []byte(v), Recorded: now, Fetched: now}
		e.Source = event.Source{Topic: "events", Offset: int64(len(q.delivered) + len(q.waiting))}
		q.waiting = append(q.waiting, e)
	}
	q.tell()
}

// sendLast sends one that is delivered for the last time.
func (q *queue) sendLast(offset int64, value string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	at := event.Source{Topic: "events", Offset: offset}
	q.delivered[at] = q.most - 1
	q.waiting = append(q.waiting, &event.Event{Value: []byte(value), Source: at})
	q.tell()
}

func (q *queue) tell() {
	select {
	case q.more <- struct{}{}:
	default:
	}
}

func (q *queue) join(h Hooks) (Member, error) {
	h.Assigned(nil)
	return Share(q), nil
}

func (q *queue) Poll(ctx context.Context, take func([]*event.Event)) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-q.more:
	}
	q.mu.Lock()
	var batch []*event.Event
	for _, e := range q.waiting {
		again := *e
		again.Attempts = q.delivered[e.Source]
		q.delivered[e.Source]++
		q.held[&again] = true
		batch = append(batch, &again)
	}
	q.waiting = nil
	q.mu.Unlock()
	take(batch)
	return nil
}

func (q *queue) Accept(e *event.Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.held, e)
	q.accepted[e.Source] = true
}

func (q *queue) Release(e *event.Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.back(e)
}

// back gives an event to whoever polls next, unless it was delivered too often.
func (q *queue) back(e *event.Event) {
	if q.held[e] && q.delivered[e.Source] < q.most {
		again := &event.Event{Key: e.Key, Value: e.Value, Source: e.Source, Recorded: e.Recorded, Fetched: e.Fetched}
		q.waiting = append(q.waiting, again)
		q.tell()
	}
	delete(q.held, e)
}

func (q *queue) Flush(context.Context) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.flushed++
	return nil
}

func (q *queue) flushes() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.flushed
}

func (q *queue) Left(e *event.Event) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.most - q.delivered[e.Source]
}

func (q *queue) Behind() map[kafka.Partition]int64 {
	return map[kafka.Partition]int64{{Topic: "events"}: 7}
}

func (q *queue) Halt(p kafka.Partition) { q.halted = append(q.halted, p) }

func (q *queue) Leave(context.Context) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for e := range q.held {
		q.back(e)
	}
	return nil
}

func (q *queue) done(n int64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.accepted[event.Source{Topic: "events", Offset: n}]
}

// sharingOf runs a Processor on q that writes to c.
func sharingOf(t *testing.T, c *cluster, q *queue, work Work) (*Processor, func() error) {
	t.Helper()
	return running(t, c, work, func(config *Config, deps *Deps) {
		config.Protocol, config.Order, deps.Join = protocolShare, orderNone, q.join
	})
}
