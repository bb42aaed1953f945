package batch

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"betimes/internal/event"
	"betimes/internal/model"
)

// Endpoint is what a Queue asks: balance.
type Endpoint interface {
	model.Invoker
	// Capacity tells how many calls may begin now, how many there may be at once,
	// and how long one takes.
	Capacity() (free, limit int, service time.Duration)
	// Version is the model version that answers, empty when it is not known.
	Version() string
}

// Deps are a Queue's collaborators.
type Deps struct {
	Model      string
	Codec      model.Codec
	Budget     time.Duration // of an event, that max_events is held against; 0: none
	Log        *slog.Logger
	Registerer prometheus.Registerer
}

// Queue is the model.Invoker of one model whose events may share calls.
type Queue struct {
	config Config
	deps   Deps
	inner  Endpoint
	meter  meter

	mu      sync.Mutex
	calls   int     // that this Queue has under way
	width   width   // how many those may be
	cost    cost    // how long one takes
	share   share   // what one leaves to others
	lanes   []*lane // of those who wait for a call; none is empty
	waiting int     // in all lanes
	passed  int     // times that others went before the one that waits longest
	most    int     // events of a call: fewer after one that took too long
	urgent  urgency
	probe   probe
	doubted bool // it was said that max_events takes too long
	compare comparison
	tally   tally
}

// member is one event that waits or shares a call.
type member struct {
	request  *model.Request // of its owner, one item
	priority int
	deadline time.Time // zero: none
	since    time.Time // it waits
	taken    bool      // out of its lane
	told     chan told // room for one
	group    *group    // that asks about it; nil: it waits, or was told to go alone
	gone     bool      // its owner waits no more
}

// told is what becomes of a member: an answer, or the word to ask alone.
type told struct {
	resp  *model.Response
	err   error
	alone *flight      // in this call
	why   string       // for the record: what the call was
	began time.Time    // of the batch
	trace *event.Event // of the call that answered: its timeline and decisions
}

// New makes a Queue before inner.
func New(config Config, inner Endpoint, deps Deps) *Queue {
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	q := &Queue{config: config, deps: deps, inner: inner, meter: newMeter(deps.Registerer, deps.Model), most: config.MaxEvents, width: newWidth()}
	q.tell(deps.Registerer)
	return q
}

// Invoke asks about one event, alone or with others. Requests that cannot be
// joined go straight on.
func (q *Queue) Invoke(ctx context.Context, r *model.Request) (*model.Response, error) {
	if !q.mayShare(r) {
		return q.inner.Invoke(ctx, r)
	}
	m, f := q.enter(r)
	switch {
	case f != nil:
		return q.alone(ctx, r, f)
	case m == nil:
		return q.inner.Invoke(ctx, r)
	}
	over, stop := overAt(r.Items[0].Latest)
	defer stop()
	select {
	case t := <-m.told:
		return q.hear(ctx, m, t)
	case <-over:
		if q.outOfLine(m) {
			return nil, q.late()
		}
		select { // its call is under way, or about to be
		case t := <-m.told:
			return q.hear(ctx, m, t)
		case <-ctx.Done():
			return q.leave(ctx, m)
		}
	case <-ctx.Done():
		return q.leave(ctx, m)
	}
}

// overAt tells when a moment has come; a zero one never does.
func overAt(latest time.Time) (over <-chan time.Time, stop func()) {
	if latest.IsZero() {
		return nil, func() {}
	}
	timer := time.NewTimer(time.Until(latest))
	return timer.C, func() { timer.Stop() }
}

// outOfLine takes a member out that waits for a call; it says no when one has it.
func (q *Queue) outOfLine(m *member) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if m.taken {
		return false
	}
	q.part([]*member{m})
	return true
}

// late is the error of an event that it is too late to ask about.
func (q *Queue) late() error {
	return &model.Error{Class: model.ClassLate, Endpoint: q.deps.Model, Message: "too late to begin"}
}

// mayShare: an event that failed before is asked alone, so that it cannot take
// others with it again.
func (q *Queue) mayShare(r *model.Request) bool {
	if r == nil || len(r.Items) != 1 || q.config.MaxEvents == 1 {
		return false
	}
	if e := r.Items[0].Event; e != nil && e.Attempts > 1 {
		return false
	}
	return true
}

// enter takes a call, or else a place among those who wait. Neither: the event can
// share no call, and the line of balance is its line.
func (q *Queue) enter(r *model.Request) (*member, *flight) {
	now := time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.share.came++
	if q.waiting == 0 && q.free() {
		q.tally.left(1, alone)
		return nil, q.begin(1, now)
	}
	if q.compare.refuses(q.inner.Version()) || !q.deps.Codec.Joinable(r.Items[0].Body) {
		return nil, nil
	}
	m := &member{request: r, priority: middle, deadline: r.Items[0].Deadline, since: now, told: make(chan told, 1)}
	if e := r.Items[0].Event; e != nil {
		m.priority = e.Priority
	}
	q.join(m)
	q.dispatch(now)
	q.watch(m, now)
	q.probing(now)
	return m, nil
}

const middle = 5 // priority of who has none

// room is how many calls there may be at once, at least one. q.mu is held.
func (q *Queue) room() int {
	_, limit, _ := q.inner.Capacity()
	return max(min(limit, q.width.now()), 1)
}

// free says whether a call may begin. q.mu is held.
func (q *Queue) free() bool { return q.calls < q.room() }

// alone asks about one event in a call that was taken for it.
func (q *Queue) alone(ctx context.Context, r *model.Request, f *flight) (*model.Response, error) {
	defer q.ended(f) // also when a door panics
	q.meter.size.Observe(1)
	resp, err := q.inner.Invoke(ctx, r)
	f.well = err == nil
	return resp, err
}

// dispatch begins calls about those who wait. q.mu is held.
func (q *Queue) dispatch(now time.Time) {
	for q.waiting > 0 && q.free() {
		if members, why := q.take(now); len(members) > 0 {
			q.launch(members, why, now)
		}
	}
}

// launch begins a call about members that were taken. q.mu is held.
func (q *Queue) launch(members []*member, why string, now time.Time) *flight {
	f := q.begin(len(members), now)
	q.meter.dispatches(why)
	q.tally.left(len(members), why)
	if len(members) == 1 {
		members[0].told <- told{alone: f}
		return f
	}
	g := newGroup(q, members, f)
	g.why = q.decision(members, why, now)
	version := q.inner.Version()
	if q.compare.begins(version) {
		go g.compare(version)
		return f
	}
	if q.compare.looks(version) {
		g.looks, g.mayLook = version, true
	}
	go g.run()
	return f
}

// hear is the owner's part when its member was told.
func (q *Queue) hear(ctx context.Context, m *member, t told) (*model.Response, error) {
	e := m.request.Items[0].Event
	if t.alone != nil {
		if e != nil {
			e.Timeline.Mark(event.StageBatch, time.Now())
		}
		return q.alone(ctx, m.request, t.alone)
	}
	switch {
	case e == nil:
	case t.trace == nil: // nobody was asked
		e.Timeline.Mark(event.StageBatch, time.Now())
	default:
		mark(&e.Timeline, t)
		e.Decisions.Add("batch", "shared", t.why)
		for _, d := range t.trace.Decisions.All() {
			e.Decisions.Add(d.Room, d.What, d.Why)
		}
	}
	return t.resp, t.err
}

// mark writes on an event where the time of its shared call went.
func mark(line *event.Timeline, t told) {
	line.Mark(event.StageBatch, t.began)
	at := t.trace.Timeline.Began()
	if at.After(t.began) { // calls before, that found out who else was the cause
		line.Mark(event.StageRetry, at)
	}
	for _, s := range []event.Stage{event.StageRetry, event.StageBalance, event.StageNetwork, event.StageModel} {
		if spent, seen := t.trace.Timeline.Spent(s); seen {
			at = at.Add(spent)
			line.Mark(s, at)
		}
	}
}

// leave takes a member out whose owner gives up. A call that nobody waits for any
// more is ended.
func (q *Queue) leave(ctx context.Context, m *member) (*model.Response, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	m.gone = true
	if m.group != nil {
		if len(m.told) == 0 {
			m.group.left()
		}
		return nil, q.gaveUp(ctx)
	}
	if !m.taken {
		q.part([]*member{m})
		return nil, q.gaveUp(ctx)
	}
	if t := <-m.told; t.alone != nil { // it was just told to go alone
		q.over(t.alone, time.Now())
	}
	return nil, q.gaveUp(ctx)
}

// gaveUp is the error of an owner that waited for nothing.
func (q *Queue) gaveUp(ctx context.Context) error {
	class := model.ClassCanceled
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		class = model.ClassTimeout
	}
	return &model.Error{Class: class, Endpoint: q.deps.Model, Err: ctx.Err()}
}
