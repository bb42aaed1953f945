package trail

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"betimes/internal/event"

	"github.com/prometheus/client_golang/prometheus"
)

// Deps are what a Trail works with.
type Deps struct {
	Log        *slog.Logger
	Registerer prometheus.Registerer
	Reader     Reader
	Topics     Topics
	Dir        string // folder of the index, its own; empty: memory only
	// Lazy waits for the first Expect or Find and then begins a minute before, or when
	// the Trail was made, instead of reading all that the topics have.
	Lazy bool
}

// Trail follows the topics of one pipeline.
type Trail struct {
	log    *slog.Logger
	reader Reader
	topics Topics
	lazy   bool
	index  *index
	waits  waits

	woken    chan struct{}
	wakeOnce sync.Once
	madeAt   time.Time
	wokenAt  time.Time
	caughtUp atomic.Bool
}

const (
	retryAfter = time.Second     // between two attempts at a tail
	lazyMargin = 5 * time.Second // clocks of brokers may be behind
	// lazyReach is how old an event may be when a lazy Trail is first asked. Longer
	// has the first one asked about wait until more is read.
	lazyReach = time.Minute
)

// New makes a Trail; Run reads its index and follows the topics.
func New(c Config, deps Deps) (*Trail, error) {
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	t := &Trail{
		log: deps.Log, reader: deps.Reader, topics: deps.Topics, lazy: deps.Lazy,
		index: newIndex(deps.Dir, int64(c.MaxBytes), deps.Log), woken: make(chan struct{}), madeAt: time.Now(),
	}
	if !deps.Lazy {
		t.wake()
	}
	return t, register(deps.Registerer, t)
}

func (t *Trail) wake() {
	t.wakeOnce.Do(func() {
		t.wokenAt = time.Now()
		close(t.woken)
	})
}

// CaughtUp says whether all that was there at the start has been read; before
// that an id may be unknown although a topic has it.
func (t *Trail) CaughtUp() bool { return t.caughtUp.Load() }

// Run follows the topics until ctx ends. A broker that does not answer is waited for.
func (t *Trail) Run(ctx context.Context) error {
	if err := t.index.load(); err != nil {
		return err
	}
	select {
	case <-t.woken:
	case <-ctx.Done():
		return nil
	}
	keeper := newKeeper(t.index)
	defer keeper.close()
	for {
		err := t.follow(ctx, keeper)
		if ctx.Err() != nil {
			return nil
		}
		if err := t.recover(ctx, keeper, err); err != nil {
			return err
		}
	}
}

// recover prepares another attempt after follow failed with cause.
func (t *Trail) recover(ctx context.Context, k *keeper, cause error) error {
	t.log.Warn("trail cannot follow the topics and tries again", "error", cause)
	if errors.Is(cause, ErrGone) { // the topics are others than they were
		k.wait()
		if err := t.index.reset(); err != nil {
			return err
		}
	}
	select {
	case <-time.After(retryAfter):
	case <-ctx.Done():
	}
	return nil
}

// follow reads on from the index's positions until something fails.
func (t *Trail) follow(ctx context.Context, k *keeper) error {
	start := Start{Positions: t.index.positions()}
	if t.lazy {
		start.At = t.wokenAt.Add(-min(lazyReach, t.wokenAt.Sub(t.madeAt)) - lazyMargin)
	}
	tail, err := t.reader.Tail(ctx, t.topics.all(), start)
	if err != nil {
		return err
	}
	defer tail.Close()
	for {
		if tail.CaughtUp() { // also before anything comes: there may be nothing
			t.caughtUp.Store(true)
		}
		events, err := tail.Poll(ctx)
		for _, e := range events {
			t.take(e)
			k.turn()
		}
		if err != nil {
			return err
		}
	}
}

// take notes one record and tells who waits for it.
func (t *Trail) take(e *event.Event) {
	place := t.topics.place(e.Source.Topic)
	if place == event.Unfinished {
		t.index.accept(idOf(e), e.Source, e.Recorded)
		return
	}
	t.waits.tell(e, place)
	source, known := sourceOf(e)
	t.index.end(idOf(e), e.Source, e.Recorded, source, known)
}
