package verify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"betimes/internal/budget"
	"betimes/internal/event"
	"betimes/internal/flow/stream"
	"betimes/internal/kafka"
	"betimes/internal/lab/broker"
)

// bug is one put into a real worker: between it and the brokers, or into what it
// calls the model.
type bug struct {
	name   string
	rule   Rule
	exact  bool
	sink   func(s *bentSink, r *kafka.Record, done func(event.Source, error)) // nil: sound
	ahead  bool                                                               // every commit says that all is finished
	asking int                                                                // calls of the model for each event; 0: one
}

func bugs() []bug {
	return []bug{
		{name: "none"},
		{name: "an ending is acknowledged and not written", rule: Unseen, sink: func(s *bentSink, r *kafka.Record, done func(event.Source, error)) {
			if s.is(r, some) {
				done(event.Source{}, nil)
				return
			}
			s.pass(r, done)
		}},
		{name: "an ending is acknowledged and not written, and committed", rule: CommitAhead, sink: func(s *bentSink, r *kafka.Record, done func(event.Source, error)) {
			if s.is(r, some) {
				done(event.Source{}, nil)
				return
			}
			s.pass(r, done)
		}},
		{name: "offsets are committed before their events have ended", rule: CommitAhead, ahead: true, sink: func(s *bentSink, r *kafka.Record, done func(event.Source, error)) {
			if !s.is(r, some) { // that one stays in work for ever
				s.pass(r, done)
			}
		}},
		{name: "an ending is written twice", rule: Duplicated, exact: true, sink: func(s *bentSink, r *kafka.Record, done func(event.Source, error)) {
			if s.is(r, some) {
				s.pass(r, func(event.Source, error) {})
			}
			s.pass(r, done)
		}},
		{name: "an ending is written to a second topic", rule: TwoPlaces, sink: func(s *bentSink, r *kafka.Record, done func(event.Source, error)) {
			if s.is(r, some) {
				other := *r
				other.Topic = topics.Shed
				s.pass(&other, func(event.Source, error) { s.pass(r, done) })
				return
			}
			s.pass(r, done)
		}},
		{name: "an ending is held back until the next of its key", rule: KeyOrder, sink: func(s *bentSink, r *kafka.Record, done func(event.Source, error)) {
			if s.is(r, some) {
				s.held = func(done func(event.Source, error)) { s.pass(r, done) }
				done(event.Source{}, nil)
				return
			}
			if s.is(r, some+sceneKeys) {
				s.pass(r, func(event.Source, error) {})
				s.held(done)
				return
			}
			s.pass(r, done)
		}},
		{name: "two endings change their values", rule: WrongRecord, sink: func(s *bentSink, r *kafka.Record, done func(event.Source, error)) {
			if s.is(r, some) {
				r.Value = fmt.Appendf(nil, `{"id":%q}`, idOf(some+1))
			}
			s.pass(r, done)
		}},
		{name: "an ending goes to another partition", rule: WrongRecord, sink: func(s *bentSink, r *kafka.Record, done func(event.Source, error)) {
			if s.is(r, some) {
				r.Partition = (r.Partition + 1) % parts
			}
			s.pass(r, done)
		}},
		{name: "an ending names another event", rule: NoSuchEvent, sink: func(s *bentSink, r *kafka.Record, done func(event.Source, error)) {
			if s.is(r, some) {
				change(r, event.HeaderSource, "events:0:4711")
			}
			s.pass(r, done)
		}},
		{name: "a dead letter loses a byte", rule: BytesChanged, sink: func(s *bentSink, r *kafka.Record, done func(event.Source, error)) {
			if s.is(r, letter) {
				r.Value = r.Value[:len(r.Value)-1]
			}
			s.pass(r, done)
		}},
		{name: "a dead letter loses its reason", rule: NoReason, sink: func(s *bentSink, r *kafka.Record, done func(event.Source, error)) {
			if s.is(r, letter) {
				change(r, event.HeaderReason, "")
			}
			s.pass(r, done)
		}},
		{name: "the model is asked twice", rule: ExtraCall, asking: 2},
	}
}

// bentSink is between a worker and its producer.
type bentSink struct {
	*kafka.Producer
	bend func(s *bentSink, r *kafka.Record, done func(event.Source, error))

	mu   sync.Mutex
	held func(done func(event.Source, error))
}

// Write is the Sink's.
func (s *bentSink) Write(r *kafka.Record, done func(event.Source, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bend == nil {
		s.pass(r, done)
		return
	}
	s.bend(s, r, done)
}

func (s *bentSink) pass(r *kafka.Record, done func(event.Source, error)) { s.Producer.Write(r, done) }

// is tells whether a record ends an event.
func (s *bentSink) is(r *kafka.Record, i int) bool {
	for _, h := range r.Headers {
		if h.Name == event.HeaderID {
			return string(h.Value) == idOf(i)
		}
	}
	return false
}

func change(r *kafka.Record, name, value string) {
	for i := range r.Headers {
		if r.Headers[i].Name == name {
			r.Headers[i].Value = []byte(value)
		}
	}
}

// hasty is a member that commits all that was fetched.
type hasty struct{ *kafka.Member }

// CommitNoted is the Member's.
func (h hasty) CommitNoted(ctx context.Context, next map[kafka.Partition]int64, _ map[kafka.Partition]string) error {
	for p := range next {
		if end, ok := h.HighWatermark(p); ok {
			next[p] = end
		}
	}
	return h.Member.CommitNoted(ctx, next, nil)
}

// TestEveryBugOfAWorkerIsCaught runs a worker on embedded brokers for each bug.
func TestEveryBugOfAWorkerIsCaught(t *testing.T) {
	all := bugs()
	var caught atomic.Int64
	t.Cleanup(func() { fmt.Printf("mutation score: %d of %d bugs of a worker caught\n", caught.Load(), len(all)-1) })
	for _, b := range all {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			v := b.run(t)
			if b.rule == "" && v.Total() > 0 || b.rule != "" && v.Broken[b.rule] == 0 {
				t.Errorf("want %q broken; found: %s", b.rule, told(v))
				return
			}
			if b.rule != "" {
				caught.Add(1)
			}
		})
	}
}

// run has a worker end the events of a scene and judges.
func (b *bug) run(t *testing.T) Verdict {
	cluster := brokers(t)
	ledger := filepath.Join(t.TempDir(), "ledger")
	sendAll(t, cluster, ledger)
	checker := New(Config{Topics: topics, ExactlyOnce: b.exact, MaxCalls: 1})
	stop := b.work(t, cluster, checker)
	defer stop()
	allCommitted(t, cluster) // else a second ending may be written when all is judged
	v, err := NewReader(checker, Over(cluster), ReaderConfig{Group: "g", Ledger: ledger, Settle: time.Second}).Once(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// brokers are one embedded broker with the topics.
func brokers(t *testing.T) *kafka.Cluster {
	t.Helper()
	embedded, err := broker.New(broker.Config{Brokers: 1, Listen: "127.0.0.1:0"}, broker.Deps{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(embedded.Close)
	cfg := kafka.DefaultConfig()
	cfg.Seeds = embedded.Addrs()
	cluster, err := kafka.Open(cfg, kafka.Deps{Pipeline: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	var specs []kafka.TopicSpec
	for _, name := range topics.all() {
		specs = append(specs, kafka.TopicSpec{Name: name, Partitions: parts, ReplicationFactor: 1})
	}
	if err := cluster.EnsureTopics(t.Context(), specs, true); err != nil {
		t.Fatal(err)
	}
	return cluster
}

// sendAll sends the events of a scene, with a ledger.
func sendAll(t *testing.T, cluster *kafka.Cluster, path string) {
	t.Helper()
	producer, err := cluster.NewProducer("send")
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	ledger, err := OpenLedger(path)
	if err != nil {
		t.Fatal(err)
	}
	var sent sync.WaitGroup
	sent.Add(sceneEvents)
	for i := range sceneEvents {
		seqs := make(chan uint64, 1)
		seqs <- ledger.Send(Sending{ID: idOf(i), Key: keyOf(i), Value: valueOf(i)}, func(err error) {
			producer.Write(&kafka.Record{
				Topic: topics.Events, Partition: partOf(i), Key: keyOf(i), Value: valueOf(i), Headers: []event.Header{{Name: event.HeaderID, Value: []byte(idOf(i))}},
			}, func(src event.Source, werr error) {
				defer sent.Done()
				if errors.Join(err, werr) != nil {
					t.Error(err, werr)
				}
				ledger.Mark(<-seqs, OK, src)
			})
		})
	}
	sent.Wait()
	if err := ledger.Close(); err != nil {
		t.Fatal(err)
	}
}

// allCommitted waits until a worker has committed all events: what it writes for
// them it has written.
func allCommitted(t *testing.T, cluster *kafka.Cluster) {
	t.Helper()
	const patience = 2 * time.Minute
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for sum := int64(0); sum < sceneEvents; {
		next, err := cluster.Committed(ctx, "g")
		if err != nil {
			t.Fatalf("%d of %d events are committed: %v", sum, sceneEvents, err)
		}
		sum = 0
		for _, offset := range next {
			sum += offset
		}
	}
}

// work starts a worker; it is stopped by what is returned.
func (b *bug) work(t *testing.T, cluster *kafka.Cluster, checker *Checker) func() {
	t.Helper()
	producer, err := cluster.NewProducer("endings")
	if err != nil {
		t.Fatal(err)
	}
	cfg := stream.DefaultConfig()
	cfg.Concurrency = 8
	worker := stream.New(cfg, stream.Deps{
		Log: slog.New(slog.DiscardHandler),
		Join: func(h stream.Hooks) (stream.Member, error) {
			m, err := cluster.NewMember(kafka.MemberConfig{
				Group: "g", Topics: []string{topics.Events}, StaticID: "one", From: "earliest", Assigned: h.Assigned, Revoked: h.Revoked, Problem: h.Problem,
			})
			if b.ahead {
				return hasty{m}, err
			}
			return m, err
		},
		Sink: &bentSink{Producer: producer, bend: b.sink}, Budget: budget.Budget{Latency: time.Minute}, Drain: time.Second,
		Topics: stream.Topics{Predictions: topics.Predictions, DeadLetters: topics.DeadLetters, Quarantine: topics.Quarantine, Shed: topics.Shed},
		Work: func(_ context.Context, e *event.Event) event.Ending {
			for range max(b.asking, 1) {
				checker.Call(e.ID)
			}
			if e.ID == idOf(letter) {
				return event.Fail(event.ReasonModelInput, event.StageModel, errors.New("refused"))
			}
			return event.Ending{Place: event.Predicted, Value: fmt.Appendf(nil, `{"id":%q,"status":"ok","cache":"off"}`, e.ID)}
		},
	})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = worker.Run(ctx) }() // a worker that cannot end all says so; the Verdict is what counts
	return func() { stop(); <-ended; producer.Close() }
}
