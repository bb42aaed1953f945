package letters

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

const partitions = 3

// cluster is a broker in memory.
type cluster struct {
	mu     sync.Mutex
	log    map[kafka.Partition][]*event.Event
	start  map[kafka.Partition]int64            // what retention has removed
	order  []string                             // topic and id of what was written
	refuse func(*kafka.Record) error            // nil: everything is acknowledged
	ack    func(r *kafka.Record, answer func()) // nil: at once
}

func newCluster() *cluster {
	return &cluster{log: map[kafka.Partition][]*event.Event{}, start: map[kafka.Partition]int64{}}
}

func (c *cluster) box() *Box {
	return New(Deps{Reader: c, Sink: c, Topics: Topics{Letters: "dead-letters", Events: "events", State: "pay-state"}})
}

// Write appends a record.
func (c *cluster) Write(r *kafka.Record, done func(event.Source, error)) {
	answer := func() { done(c.append(r)) }
	if c.ack != nil {
		c.ack(r, answer)
		return
	}
	go answer()
}

func (c *cluster) append(r *kafka.Record) (event.Source, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refuse != nil {
		if err := c.refuse(r); err != nil {
			return event.Source{}, err
		}
	}
	p := kafka.Partition{Topic: r.Topic, Number: max(r.Partition, 0)}
	e := &event.Event{Key: r.Key, Value: r.Value, Headers: r.Headers, Recorded: r.Time}
	if e.Recorded.IsZero() {
		e.Recorded = time.Now()
	}
	e.Source = event.Source{Topic: r.Topic, Partition: p.Number, Offset: int64(len(c.log[p]))}
	c.log[p] = append(c.log[p], e)
	c.order = append(c.order, r.Topic+" "+string(e.Header(event.HeaderID)))
	return e.Source, nil
}

func (c *cluster) Offsets(_ context.Context, topic string) (start, end map[int32]int64, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	start, end = map[int32]int64{}, map[int32]int64{}
	for n := range int32(partitions) {
		p := kafka.Partition{Topic: topic, Number: n}
		start[n], end[n] = c.start[p], int64(len(c.log[p]))
	}
	return start, end, nil
}

func (c *cluster) ReadAt(_ context.Context, at event.Source) (*event.Event, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := kafka.Partition{Topic: at.Topic, Number: at.Partition}
	if at.Offset < c.start[p] || at.Offset >= int64(len(c.log[p])) {
		return nil, fmt.Errorf("%s: %w", at, kafka.ErrGone)
	}
	return c.log[p][at.Offset], nil
}

// Tail gives all of a topic in two polls; where it was asked to begin is not looked at.
func (c *cluster) Tail(_ context.Context, topic string, _ kafka.TailFrom, only ...int32) (Tail, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []*event.Event
	for n := range int32(partitions) {
		if len(only) > 0 && !slices.Contains(only, n) {
			continue
		}
		p := kafka.Partition{Topic: topic, Number: n}
		all = append(all, c.log[p][c.start[p]:]...)
	}
	return &tail{all[:len(all)/2], all[len(all)/2:], len(all) == 0}, nil
}

type tail struct {
	now, later []*event.Event
	done       bool
}

func (t *tail) Poll(ctx context.Context) ([]*event.Event, error) {
	events := t.now
	t.now, t.later, t.done = t.later, nil, t.later == nil
	return events, ctx.Err()
}

func (t *tail) CaughtUp() bool { return t.done }
func (t *tail) Close()         {}

// letter appends a dead letter of the event id as stream writes it.
func (c *cluster) letter(id, key, value string, more ...event.Header) event.Source {
	headers := []event.Header{
		header("tenant", "blue"), header(event.HeaderContentType, "application/json"),
		header(event.HeaderID, id), header(event.HeaderSource, "events:1:"+strconv.Itoa(len(id))),
		header(event.HeaderReason, "model_input"), header(event.HeaderStage, "model"), header(event.HeaderAttempts, "2"),
		header(event.HeaderError, "the model says no"), header(event.HeaderTimeline, "t0=1;model=2"),
		header(event.HeaderFirstFailed, "2026-01-31T03:12:00.000000Z"), header(event.HeaderLastFailed, "2026-01-31T03:12:01.500000Z"),
		header(event.HeaderDecisions, "balance:retry:slow"), header(event.HeaderDeadline, "17"),
	}
	for _, h := range more {
		for i := range headers {
			if headers[i].Name == h.Name {
				headers[i] = h
			}
		}
	}
	at, _ := c.append(&kafka.Record{Topic: "dead-letters", Partition: 1, Key: []byte(key), Value: []byte(value), Headers: headers})
	c.order = nil
	return at
}

func header(name, value string) event.Header { return event.Header{Name: name, Value: []byte(value)} }

// topic gives the records of all partitions.
func (c *cluster) topic(name string) []*event.Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []*event.Event
	for n := range int32(partitions) {
		all = append(all, c.log[kafka.Partition{Topic: name, Number: n}]...)
	}
	return all
}

// find looks for letters; nothing may go wrong.
func find(t *testing.T, c *cluster, f Filter) Found {
	t.Helper()
	found, err := c.box().Find(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// ids lists the letters found.
func ids(found Found) string {
	text := ""
	for _, l := range found.Letters {
		text += l.ID + " "
	}
	return text
}
