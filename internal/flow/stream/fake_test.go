package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"betimes/internal/budget"
	"betimes/internal/event"
	"betimes/internal/kafka"
)

// cluster is a broker in memory: one topic, one member at a time.
type cluster struct {
	mu      sync.Mutex
	log     map[int32][]*event.Event
	read    map[int32]int64
	paused  map[int32]bool
	commits map[kafka.Partition]int64
	notes   map[kafka.Partition]string
	records []*kafka.Record
	ends    map[kafka.Partition]int64 // of the topics written to
	hooks   Hooks
	more    chan struct{}
	refuse  func(*kafka.Record) error
	held    []func() // acknowledgements not given yet, when hold
	hold    bool
	left    bool
	epoch   int // of the newest member
}

func newCluster() *cluster {
	return &cluster{
		log: map[int32][]*event.Event{}, read: map[int32]int64{}, paused: map[int32]bool{}, ends: map[kafka.Partition]int64{},
		commits: map[kafka.Partition]int64{}, notes: map[kafka.Partition]string{}, more: make(chan struct{}, 1),
	}
}

// tooLarge refuses records for their size.
func (c *cluster) tooLarge(is func(*kafka.Record) bool) {
	c.refuse = func(r *kafka.Record) error {
		if is(r) {
			return fmt.Errorf("write to topic %s: %w", r.Topic, kafka.ErrTooLarge)
		}
		return nil
	}
}

// send appends an event to a partition.
func (c *cluster) send(part int32, key, value string, headers ...event.Header) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	e := &event.Event{Key: []byte(key), Value: []byte(value), Headers: headers, Recorded: now, Fetched: now}
	e.Source = event.Source{Topic: "events", Partition: part, Offset: int64(len(c.log[part]))}
	c.log[part] = append(c.log[part], e)
	select {
	case c.more <- struct{}{}:
	default:
	}
}

func (c *cluster) join(h Hooks) (Member, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hooks = h
	c.epoch++
	c.more = make(chan struct{}, 1) // a poll of the member before waits for ever
	return &seat{cluster: c, epoch: c.epoch}, nil
}

// seat is one member; when another joins it is out, as a process that died is.
type seat struct {
	*cluster
	epoch  int
	seated sync.Once
}

// Poll gives the partitions at the first call, as the real member does.
func (s *seat) Poll(ctx context.Context, take func([]*event.Event)) error {
	if s.out() {
		<-ctx.Done()
		return ctx.Err()
	}
	s.seated.Do(func() { s.assignTo(s.epoch, 0, 1) })
	return s.cluster.poll(ctx, s.epoch, take)
}

func (s *seat) CommitNoted(ctx context.Context, next map[kafka.Partition]int64, notes map[kafka.Partition]string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.epoch != s.cluster.epoch {
		return errModel
	}
	s.commit(next, notes)
	return nil
}

// commit stores; c.mu is held.
func (c *cluster) commit(next map[kafka.Partition]int64, notes map[kafka.Partition]string) {
	maps.Copy(c.commits, next)
	maps.Copy(c.notes, notes)
}

func (s *seat) out() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.epoch != s.cluster.epoch
}

// assign gives partitions to the member, from their committed offsets.
func (c *cluster) assign(parts ...int32) {
	c.mu.Lock()
	epoch := c.epoch
	c.mu.Unlock()
	c.assignTo(epoch, parts...)
}

// assignTo is assign, unless another has joined since.
func (c *cluster) assignTo(epoch int, parts ...int32) {
	next := map[kafka.Partition]int64{}
	c.mu.Lock()
	if epoch != c.epoch {
		c.mu.Unlock()
		return
	}
	for _, n := range parts {
		id := kafka.Partition{Topic: "events", Number: n}
		next[id] = c.commits[id]
		c.read[n] = c.commits[id]
	}
	hooks, more := c.hooks, c.more
	c.mu.Unlock()
	hooks.Assigned(next)
	select {
	case more <- struct{}{}:
	default:
	}
}

// revoke takes a partition away.
func (c *cluster) revoke(ctx context.Context, part int32) {
	c.hooks.Revoked(ctx, []kafka.Partition{{Topic: "events", Number: part}})
	c.mu.Lock()
	delete(c.read, part)
	c.mu.Unlock()
}

func (c *cluster) poll(ctx context.Context, epoch int, take func([]*event.Event)) error {
	c.mu.Lock()
	more := c.more
	if epoch != c.epoch { // that is the one of who has joined since
		more = nil
	}
	c.mu.Unlock()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-more:
	}
	c.mu.Lock()
	if epoch != c.epoch { // out meanwhile
		c.mu.Unlock()
		return nil
	}
	var batch []*event.Event
	for _, part := range slices.Sorted(maps.Keys(c.read)) {
		if c.paused[part] {
			continue
		}
		for _, e := range c.log[part][c.read[part]:] {
			again := *e
			again.Fetched = time.Now()
			batch = append(batch, &again)
		}
		c.read[part] = int64(len(c.log[part]))
	}
	c.mu.Unlock()
	take(batch)
	return nil
}

func (c *cluster) Note(p kafka.Partition) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.notes[p]
}

func (c *cluster) committed(part int32) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.commits[kafka.Partition{Topic: "events", Number: part}]
}

func (c *cluster) HighWatermark(p kafka.Partition) (int64, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return int64(len(c.log[p.Number])), true
}

// Commits is what was committed last.
func (c *cluster) Commits(_ context.Context, parts []kafka.Partition) (map[kafka.Partition]kafka.Commit, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := map[kafka.Partition]kafka.Commit{}
	for _, id := range parts {
		all[id] = kafka.Commit{Next: c.commits[id], Note: c.notes[id]}
	}
	return all, nil
}

func (c *cluster) Seat() kafka.Seat { return kafka.Seat{} }

func (c *cluster) Pause(parts ...kafka.Partition) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range parts {
		c.paused[id.Number] = true
	}
}

func (c *cluster) Resume(parts ...kafka.Partition) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range parts {
		delete(c.paused, id.Number)
	}
	select {
	case c.more <- struct{}{}:
	default:
	}
}

// Halt stops what is read of a partition.
func (c *cluster) Halt(p kafka.Partition) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.read, p.Number)
}

func (c *cluster) Leave(context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = true
	return nil
}

// hasLeft says whether a member has left.
func (c *cluster) hasLeft() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.left
}

func (c *cluster) Write(r *kafka.Record, done func(event.Source, error)) {
	c.mu.Lock()
	if c.refuse != nil {
		if err := c.refuse(r); err != nil {
			c.mu.Unlock()
			go done(event.Source{}, err)
			return
		}
	}
	c.records = append(c.records, r)
	if c.hold {
		c.held = append(c.held, func() { done(event.Source{}, nil) })
		c.mu.Unlock()
		return
	}
	id := kafka.Partition{Topic: r.Topic, Number: r.Partition}
	at := event.Source{Topic: r.Topic, Partition: r.Partition, Offset: c.ends[id]}
	c.ends[id]++
	c.mu.Unlock()
	go done(at, nil)
}

func (c *cluster) Flush(context.Context) error { return nil }

// written lists topic/value of what was written, in order.
func (c *cluster) written() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for _, r := range c.records {
		out = append(out, r.Topic+" "+string(r.Value))
	}
	return out
}

func headerOf(r *kafka.Record, name string) string {
	for _, h := range r.Headers {
		if h.Name == name {
			return string(h.Value)
		}
	}
	return ""
}

// predict is Work that predicts at once.
func predict(_ context.Context, e *event.Event) event.Ending {
	return event.Ending{Place: event.Predicted, Value: e.Value}
}

// running starts a Processor on c and returns it with a function that stops it.
func running(t testing.TB, c *cluster, work Work, change ...func(*Config, *Deps)) (*Processor, func() error) {
	t.Helper()
	config := DefaultConfig()
	deps := Deps{
		Log: slog.New(slog.DiscardHandler), Join: c.join, Sink: c, Work: work,
		Topics: Topics{"predictions", "dead-letters", "quarantine", "shed", "parked"},
		Budget: budget.Budget{Latency: 250 * time.Millisecond},
	}
	for _, f := range change {
		f(&config, &deps)
	}
	p := New(config, deps)
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- p.Run(ctx) }()
	return p, func() error { cancel(); return <-result }
}

// ended stops a Processor, which ends without an error.
func ended(t testing.TB, stop func() error) {
	t.Helper()
	if err := stop(); err != nil {
		t.Error(err)
	}
}

var errModel = errors.New("model says no")

func num(i int) string { return strconv.Itoa(i) }
