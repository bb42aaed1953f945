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
	"betimes/internal/failpoint"
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
	Topics       Topics
	Budget       budget.Budget
	// Clock gives the beginning of a foreign event's clock; false: not from here.
	// nil: the record's timestamp.
	Clock func(*event.Event) (time.Time, bool)
	// Finished is told of every ending, once it is acknowledged. It may be nil.
	Finished func(e *event.Event, place event.Place, at time.Time)
	// Changed is told what may explain a rise, for example a new assignment. It may be nil.
	Changed func(kind, what string)
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
	room    *sync.Cond // signalled when queued or bytes fall
	parts   map[kafka.Partition]*partition
	lanes   map[uint64]*lane
	ready   ring
	free    []*lane                   // lanes to use again
	running int                       // attempts under way
	idle    []*hand                   // that wait for a lane
	limit   *limiter                  // of running
	queued  int                       // events held, waiting or in work or not acknowledged
	bytes   int64                     // of their payloads
	ending  bool                      // no attempt begins above those that have
	closing bool                      // no new attempt begins
	halts   map[kafka.Partition]error // why a partition goes no further
	waiting map[*item]*time.Timer     // for another attempt
	gate    gate
	tracked int // offsets remembered: those held, and those finished above an unfinished one

	failing    atomic.Bool   // the newest calls failed for the endpoint's fault
	unsent     atomic.Int64  // bytes of predictions that are not acknowledged
	committing chan struct{} // holds one value while a commit is under way

	budget    atomic.Pointer[budget.Budget]
	probation probation
	exactly   *transactor // nil: at least once
	meter     *meter
	failed    chan error    // the first thing that stops the processor
	joined    chan struct{} // closed when partitions were assigned
	joinOnce  sync.Once
}

// commitEvery is how often finished offsets are committed. Longer: more events
// are repeated after a crash; shorter: more requests.
const commitEvery = 100 * time.Millisecond

// New makes a Processor; Run joins the group.
func New(config Config, deps Deps) *Processor {
	p := &Processor{
		config: config, deps: deps, seed: maphash.MakeSeed(), limit: newLimiter(int(config.Concurrency), config.MaxQueued),
		parts: map[kafka.Partition]*partition{}, lanes: map[uint64]*lane{}, waiting: map[*item]*time.Timer{},
		halts: map[kafka.Partition]error{}, failed: make(chan error, 1), joined: make(chan struct{}),
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

// Run consumes until ctx ends, then finishes what is in work, commits and
// leaves the group.
func (p *Processor) Run(ctx context.Context) error {
	if p.exactly != nil {
		if err := p.exactly.fence(ctx); err != nil {
			return err
		}
	}
	member, err := p.deps.Join(Hooks{
		Assigned: p.assigned,
		Revoked:  p.revoked,
		Problem:  p.halted,
	})
	if err != nil {
		return fmt.Errorf("join group: %w", err)
	}
	p.mu.Lock()
	p.member, p.began = member, time.Now()
	if s, is := member.(sharing); is {
		p.shared = s.Shared
	}
	p.mu.Unlock()
	polling, stop := context.WithCancel(ctx)
	defer stop()
	var loops sync.WaitGroup
	loops.Go(func() { p.pollLoop(polling) })
	if p.exactly == nil {
		loops.Go(func() { p.commitLoop(polling) })
	} else {
		writing, end := context.WithCancel(context.WithoutCancel(ctx))
		defer end()
		go p.exactly.run(writing)
	}
	select {
	case <-ctx.Done():
	case err = <-p.failed:
	}
	stop()
	p.wakePoll()
	loops.Wait()
	return errors.Join(err, p.drain(context.WithoutCancel(ctx)))
}

// fail stops the processor with the first error.
func (p *Processor) fail(err error) {
	select {
	case p.failed <- err:
	default:
	}
}

// pollLoop takes fetches in while there is room for them.
func (p *Processor) pollLoop(ctx context.Context) {
	for p.waitForRoom(ctx) {
		if err := p.member.Poll(ctx, p.take); err != nil && ctx.Err() == nil {
			p.fail(fmt.Errorf("fetch: %w", err))
			return
		}
	}
}

// waitForRoom returns false when ctx has ended.
func (p *Processor) waitForRoom(ctx context.Context) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for ctx.Err() == nil && p.full() {
		p.room.Wait()
	}
	return ctx.Err() == nil
}

// maxTracked bounds how many events finish above one that cannot, for example
// because its endpoint does not answer: 40 bytes each, and all are read again
// after a crash.
const maxTracked = 250_000

// full says that no more may be fetched now; p.mu is held.
func (p *Processor) full() bool {
	return p.queued >= p.config.MaxQueued || p.ample() || p.bytes >= int64(p.config.MaxQueuedBytes) || p.tracked >= maxTracked || p.probation.paused() ||
		p.gate.closed && !p.ready.empty() // enough to ask with
}

// stopped says that no attempt begins now: the processor ends or may not write,
// the topic cannot be read, or the brokers do not take what there is. p.mu is held.
func (p *Processor) stopped() bool {
	return p.closing || p.exactly.over() || p.gate.shut() || p.probation.paused() || p.unsent.Load() >= int64(p.config.MaxQueuedBytes)
}

// wakePoll lets pollLoop look again.
func (p *Processor) wakePoll() {
	p.mu.Lock()
	p.room.Broadcast()
	p.mu.Unlock()
}

// take puts fetched events into their lanes and starts attempts.
func (p *Processor) take(events []*event.Event) {
	failpoint.Reach("stream.take.before") // fetched, in no lane
	for _, e := range events {
		p.identify(e)
	}
	for _, it := range p.takeIn(events) {
		p.exhaust(it)
	}
}

// takeIn keeps fetched events, and returns those that are to be ended at once.
func (p *Processor) takeIn(events []*event.Event) (spent []*item) {
	items := make([]item, len(events))
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, e := range events {
		if p.shared != nil {
			if p.takeShared(&items[i], e) {
				spent = append(spent, &items[i])
			}
			continue
		}
		part := p.partOf(e)
		if part == nil || part.gone { // given up meanwhile, or halted
			continue
		}
		if part.backlog < 0 {
			part.backlog, _ = p.member.HighWatermark(part.id)
		}
		if p.finishedBefore(part, e) {
			continue
		}
		e.Backlog = e.Source.Offset < part.backlog
		it := &items[i]
		it.event, it.part, it.seq = e, part, part.offsets.add(e.Source.Offset, e.Recorded)
		p.tracked++
		p.keep(it)
		if part.lot != nil && !part.lot.read {
			part.lot.early = append(part.lot.early, it)
			continue
		}
		p.enter(it)
	}
	failpoint.Reach("stream.take.after") // in their lanes, no attempt begun
	p.dispatch()
	return spent
}

// finishedBefore skips an event that an owner before had finished. p.mu is held.
func (p *Processor) finishedBefore(part *partition, e *event.Event) bool {
	if !covers(part.offsets.before, e.Source.Offset) {
		return false
	}
	failpoint.Reach("stream.skip.before") // finished by an owner before, not skipped yet
	seq := part.offsets.add(e.Source.Offset, e.Recorded)
	p.tracked += 1 - part.offsets.finish(seq)
	part.worth = true
	p.meter.skipped.Inc()
	return true
}

// keep counts an item against the bounds. p.mu is held.
func (p *Processor) keep(it *item) {
	it.size = size(it.event)
	p.queued++
	p.bytes += it.size
}

// size is what an event counts against the byte bound.
func size(e *event.Event) int64 {
	n := len(e.Value) + len(e.Key) + 512
	for i := range e.Headers {
		n += len(e.Headers[i].Name) + len(e.Headers[i].Value)
	}
	return int64(n)
}

// enter puts an item at the end of its lane; a new lane is ready at once.
func (p *Processor) enter(it *item) {
	id := p.laneID(it.event)
	if l := p.lanes[id]; l != nil {
		l.push(it)
		return
	}
	l := p.newLane(id)
	l.push(it)
	p.lanes[id] = l
	p.ready.push(l)
}

func (p *Processor) newLane(id uint64) *lane {
	if n := len(p.free); n > 0 {
		l := p.free[n-1]
		p.free = p.free[:n-1]
		l.id = id
		return l
	}
	return &lane{id: id}
}

// dispatch gives a hand to each ready lane within the limit; each goes on with
// further ready lanes until there are none.
func (p *Processor) dispatch() {
	for p.running < p.limit.limit {
		l := p.nextLane()
		if l == nil {
			return
		}
		p.start(l)
	}
}

// nextLane takes the next ready lane, using up a try when the gate is closed; nil
// when there is none, or no attempt begins now. p.mu is held.
func (p *Processor) nextLane() *lane {
	if p.stopped() {
		return nil
	}
	for l := p.ready.pop(); l != nil; l = p.ready.pop() {
		switch {
		case l.first.part.gone:
			p.forget(l.first)
		case p.mayBegin(l):
			if p.gate.closed {
				p.gate.tries--
				p.room.Signal()
			}
			return l
		}
	}
	return nil
}

// work attempts the first event of l, then of the next ready lanes.
func (p *Processor) work(h *hand, l *lane) {
	began := time.Now()
	for l != nil {
		said := p.attempt(l.first)
		now := time.Now()
		p.mu.Lock()
		l = nil
		p.probeAgain()
		if !p.stopped() {
			p.learn(sample{at: now, took: now.Sub(began), verdict: said})
		}
		if p.running <= p.limit.limit {
			l = p.nextLane()
		}
		if l == nil {
			p.rest(h)
		}
		p.mu.Unlock()
		began = now
	}
}

// learn tells the limiter of an attempt whose slot is free. p.mu is held.
func (p *Processor) learn(s sample) {
	s.full = p.running >= p.limit.limit && !p.ready.empty()
	if p.limit.add(s) {
		p.dispatch()
	}
}

// leave takes the first event of a lane out once its ending is handed over; the
// next one is ready. The caller dispatches, or looks for a ready lane itself.
func (p *Processor) leave(l *lane) {
	l.pop()
	if l.first != nil {
		p.ready.push(l)
		return
	}
	delete(p.lanes, l.id)
	p.free = append(p.free, l)
}

// release gives back the room of an item.
func (p *Processor) release(it *item) {
	p.queued--
	p.bytes -= it.size
	p.room.Signal()
}

// drain finishes what is in work and what waits below it, hands back the rest,
// commits and leaves.
func (p *Processor) drain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.deps.Drain)
	defer cancel()
	failpoint.Reach("stream.drain.before") // asked to end, attempts still begin
	p.closeHoles(ctx)
	p.mu.Lock()
	p.closing = true
	p.dismiss()
	parts := make([]*partition, 0, len(p.parts))
	for id, part := range p.parts {
		p.letGo(part)
		parts = append(parts, part)
		delete(p.parts, id)
	}
	p.mu.Unlock()
	p.probation.close()
	if p.exactly != nil {
		p.exactly.hurry(1)
	}
	var errs []error
	for _, part := range parts {
		select {
		case <-part.idle:
		case <-ctx.Done():
			part.cancel()
			errs = append(errs, fmt.Errorf("partition %s/%d: not drained within %s; its events will be read again", part.id.Topic, part.id.Number, p.deps.Drain))
		}
	}
	failpoint.Reach("stream.drain.idle") // nothing is under way, not flushed
	if err := p.deps.Sink.Flush(ctx); err != nil {
		errs = append(errs, fmt.Errorf("flush: %w", err))
	}
	last, cancelLast := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancelLast()
	failpoint.Reach("stream.drain.flushed") // flushed, the last commit not sent
	p.commit(last, func() []*partition { return parts })
	failpoint.Reach("stream.drain.committed") // committed, still in the group
	errs = append(errs, p.member.Leave(last))
	failpoint.Reach("stream.drain.left") // out of the group, the process not ended
	for _, part := range parts {
		part.cancel()
	}
	return errors.Join(errs...)
}

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
	p.mu.Unlock()
	into.Lag = p.lag(time.Now())
	into.Outcomes = p.meter.outcomes()
}
