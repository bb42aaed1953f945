package stream

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"betimes/internal/budget"
	"betimes/internal/event"
	"betimes/internal/kafka"
	"betimes/internal/pulse"
)

// Work makes one attempt at an event. It owns the event while it runs, obeys
// ctx and never keeps the event.
type Work func(ctx context.Context, e *event.Event) event.Ending

// Topics are where endings are written.
type Topics struct {
	Predictions, DeadLetters, Quarantine, Shed, Parked string
}

// Deps are a Processor's collaborators.
type Deps struct {
	Log        *slog.Logger
	Registerer prometheus.Registerer
	Join       func(Hooks) (Member, error)
	Sink       Sink
	// Transactions takes the place of Sink when the guarantee is exactly_once.
	Transactions Transactions
	Work         Work
	// Share says that events share calls of their models.
	Share  bool
	Topics Topics
	Budget budget.Budget
	// Clock gives the beginning of a foreign event's clock; false: not from here.
	// nil: the record's timestamp.
	Clock func(*event.Event) (time.Time, bool)
	// Finished is told of every ending, once it is acknowledged. It may be nil.
	Finished func(e *event.Event, place event.Place, at time.Time)
	// Changed is told what may explain a rise, for example a new assignment. It may be nil.
	Changed func(kind, what string)
	// Show gives as much of a key as may be told of it; nil: no key is told.
	Show func(key []byte) string
	// Waiting tells what waits in the topic parked of partitions of the events topic,
	// less what was dropped. nil: nothing is ever parked.
	Waiting func(ctx context.Context, partitions []int32) ([]Waiting, error)
	// Drain is how long Run may take to finish what is in work; 0: 25 s.
	Drain time.Duration
}

// Processor is one worker: a member of the group with its lanes.
type Processor struct {
	config Config
	deps   Deps
	member Member
	shared Shared    // the member, when it is one of a share group
	began  time.Time // when Run joined
	seed   maphash.Seed

	mu      sync.Mutex
	room    *sync.Cond // told when queued or bytes fall
	parts   map[kafka.Partition]*partition
	lanes   map[uint64]*lane
	ready   ring
	free    []*lane                   // lanes to use again
	running int                       // attempts under way
	idle    []*hand                   // that wait for a lane
	limit   *limiter                  // of running
	queued  int                       // events held, waiting or in work or not acknowledged
	bytes   int64                     // of their payloads
	ending  int                       // so many want that no attempt begins above those that have
	aside   []*lane                   // ready, but above those
	closing bool                      // no new attempt begins
	halts   map[kafka.Partition]error // why a partition goes no further
	waiting map[*item]*time.Timer     // for another attempt
	gate    gate
	hot     hot
	tracked int // offsets remembered: those held, and those finished above an unfinished one

	failing    atomic.Bool                   // the newest calls failed for the endpoint's fault
	unsent     atomic.Int64                  // bytes of predictions that are not acknowledged
	taken      [event.NumPlaces]atomic.Int64 // bytes of the largest record that the topic of a place has taken
	committing chan struct{}                 // holds one value while a commit is under way

	budget    atomic.Pointer[budget.Budget]
	probation probation
	exactly   *transactor // nil: at least once
	meter     *meter
	failed    chan error    // the first thing that stops the processor
	joined    chan struct{} // closed when partitions were assigned
	joinOnce  sync.Once
}

// New makes a Processor; Run joins the group.
func New(config Config, deps Deps) *Processor {
	p := &Processor{
		config: config, deps: deps, seed: maphash.MakeSeed(), limit: newLimiter(int(config.Concurrency), config.MaxQueued, deps.Share),
		parts: map[kafka.Partition]*partition{}, lanes: map[uint64]*lane{}, waiting: map[*item]*time.Timer{},
		halts: map[kafka.Partition]error{}, failed: make(chan error, 1), joined: make(chan struct{}), hot: hot{show: deps.Show},
	}
	if p.deps.Drain == 0 {
		p.deps.Drain = 25 * time.Second
	}
	p.SetBudget(deps.Budget)
	p.room = sync.NewCond(&p.mu)
	p.probation = newProbation(p)
	p.committing = make(chan struct{}, 1)
	p.meter = newMeter(deps.Registerer, p)
	if config.Exactly() {
		p.exactly = newTransactor(p, deps.Transactions)
		p.deps.Sink = deps.Transactions
	}
	return p
}

// SetBudget changes the deadline of foreign events from now on.
func (p *Processor) SetBudget(b budget.Budget) { p.budget.Store(&b) }

// Joined is closed when the group has given this member its first partitions.
func (p *Processor) Joined() <-chan struct{} { return p.joined }

// Ready tells why the processor does not work, nil when it does.
func (p *Processor) Ready() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.probation.paused() {
		return errors.New(p.probation.sentence())
	}
	if !p.assignedAny() {
		return errors.New("no partition assigned yet")
	}
	if id, is := p.unread(); is {
		return fmt.Errorf("partition %s waits until the topic %s is read", id, p.deps.Topics.Parked)
	}
	return p.anyHalt()
}

// Snapshot fills what a pulse says of this worker.
func (p *Processor) Snapshot(into *pulse.Pulse) {
	p.mu.Lock()
	into.InFlight, into.Queued, into.Limit = p.running, p.queued, p.limit.limit
	now := time.Now()
	p.tellKeys(into, now)
	p.mu.Unlock()
	into.Lag = p.lag(now)
	into.Outcomes = p.meter.outcomes()
}
