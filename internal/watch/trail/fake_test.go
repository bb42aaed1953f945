package trail

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"betimes/internal/event"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	began  = time.Unix(1_700_000_000, 0)
	topics = Topics{Events: "events", Predictions: "predictions", DeadLetters: "dead-letters", Shed: "shed"}
)

// cluster is topics in memory, one partition each.
type cluster struct {
	mu      sync.Mutex
	records map[string][]*event.Event
	first   map[string]int64 // oldest offset kept
	grown   chan struct{}    // closed when records are added
	lost    bool             // the next tail finds its positions gone
	reads   int              // records given to tails
	lookups int              // records read one by one
}

func newCluster() *cluster {
	return &cluster{records: map[string][]*event.Event{}, first: map[string]int64{}, grown: make(chan struct{})}
}

func (c *cluster) write(topic string, e *event.Event) event.Source {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.Source = event.Source{Topic: topic, Offset: int64(len(c.records[topic]))}
	if e.Recorded.IsZero() {
		e.Recorded = began.Add(time.Duration(e.Source.Offset) * time.Second)
	}
	c.records[topic] = append(c.records[topic], e)
	close(c.grown)
	c.grown = make(chan struct{})
	return e.Source
}

// expire drops all that a topic has so far.
func (c *cluster) expire(topic string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.first[topic] = int64(len(c.records[topic]))
}

func (c *cluster) ReadAt(_ context.Context, at event.Source) (*event.Event, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lookups++
	if at.Offset < c.first[at.Topic] || at.Offset >= int64(len(c.records[at.Topic])) {
		return nil, ErrGone
	}
	return c.records[at.Topic][at.Offset], nil
}

func (c *cluster) Tail(_ context.Context, names []string, from Start) (Tail, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost {
		c.lost = false
		return nil, fmt.Errorf("position of events: %w", ErrGone)
	}
	t := &tail{cluster: c, next: map[string]int64{}, end: map[string]int64{}}
	for _, name := range names {
		t.names = append(t.names, name)
		t.end[name] = int64(len(c.records[name]))
		next, ok := from.Positions[Partition{name, 0}]
		for !ok && next < t.end[name] && c.records[name][next].Recorded.Before(from.At) {
			next++
		}
		t.next[name] = max(next, c.first[name])
	}
	return t, nil
}

// tail is a Tail of a cluster.
type tail struct {
	cluster   *cluster
	names     []string
	next, end map[string]int64
}

func (t *tail) Poll(ctx context.Context) ([]*event.Event, error) {
	for {
		events, grown := t.fetch()
		if len(events) > 0 {
			return events, nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (t *tail) fetch() ([]*event.Event, chan struct{}) {
	t.cluster.mu.Lock()
	defer t.cluster.mu.Unlock()
	var out []*event.Event
	for _, name := range t.names {
		records := t.cluster.records[name]
		out = append(out, records[t.next[name]:]...)
		t.next[name] = int64(len(records))
	}
	t.cluster.reads += len(out)
	return out, t.cluster.grown
}

func (t *tail) CaughtUp() bool {
	for name, end := range t.end {
		if t.next[name] < end {
			return false
		}
	}
	return true
}

func (t *tail) Close() {}

// readSoFar is how many records tails were given.
func (c *cluster) readSoFar() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reads
}

// accept writes an event as the gateway does.
func (c *cluster) accept(id string) event.Source {
	e := &event.Event{Key: []byte("key of " + id), Value: []byte(`{"id":"` + id + `"}`)}
	e.Headers = []event.Header{
		{Name: event.HeaderID, Value: []byte(id)},
		{Name: event.HeaderTimeline, Value: []byte("t0=1700000000000000;gateway=120;produce=900")},
	}
	return c.write("events", e)
}

// predict writes the prediction of the event at src.
func (c *cluster) predict(id string, src event.Source) {
	value := `{"id":"` + id + `","status":"ok","prediction":0.9,"attempts":1,"received":"2023-11-14T22:13:20Z",` +
		`"latency_us":9000,"stages_us":{"gateway":120,"produce":900,"broker":300,"model":7680}}`
	c.write("predictions", &event.Event{Value: []byte(value), Headers: endingOf(id, src)})
}

// bury writes the dead letter of the event at src.
func (c *cluster) bury(id string, src event.Source) {
	c.write("dead-letters", &event.Event{Value: []byte("x"), Recorded: began.Add(time.Hour), Headers: append(endingOf(id, src),
		event.Header{Name: event.HeaderReason, Value: []byte("model_input")},
		event.Header{Name: event.HeaderStage, Value: []byte("model")},
		event.Header{Name: event.HeaderAttempts, Value: []byte("5")})})
}

func endingOf(id string, src event.Source) []event.Header {
	return []event.Header{
		{Name: event.HeaderID, Value: []byte(id)},
		{Name: event.HeaderSource, Value: []byte(src.String())},
	}
}

// smallIndex holds some 43,000 entries, sealed every 1,365.
var smallIndex = Config{MaxBytes: 1 << 20}

// follow runs a Trail until stop, or the end of the test; it has caught up when follow returns.
func follow(t *testing.T, c Config, deps Deps) (tr *Trail, stop func()) {
	t.Helper()
	deps.Topics, deps.Registerer = topics, prometheus.NewPedanticRegistry()
	tr, err := New(c, deps)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- tr.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	if !deps.Lazy {
		settle(t, tr, deps.Reader.(*cluster))
	}
	return tr, stop
}

// settle waits until the Trail has read all there is: it expects the ending of an
// event that is written now.
func settle(t *testing.T, tr *Trail, c *cluster) {
	t.Helper()
	c.mu.Lock()
	id := fmt.Sprintf("settled-%d", len(c.records["shed"]))
	c.mu.Unlock()
	wait, cancel := tr.Expect(id)
	defer cancel()
	c.write("shed", &event.Event{Headers: endingOf(id, event.Source{Topic: "events"})})
	if _, err := wait(t.Context()); err != nil {
		t.Fatal(err)
	}
}
