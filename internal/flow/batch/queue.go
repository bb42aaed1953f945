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
	calls   int       // that this Queue has under way
	line    []*member // that wait for a call
	most    int       // events of a call: fewer after one that took too long
	compare comparison
}

// member is one event that waits or shares a call.
type member struct {
	request *model.Request // of its owner, one item
	told    chan told      // room for one
	group   *group         // that asks about it; nil: it waits
	gone    bool           // its owner waits no more
}

// told is what becomes of a member: an answer, or the word to ask alone.
type told struct {
	resp  *model.Response
	err   error
	alone bool
	began time.Time      // of the batch
	line  event.Timeline // of the call that answered
}

// New makes a Queue before inner.
func New(config Config, inner Endpoint, deps Deps) *Queue {
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	return &Queue{config: config, deps: deps, inner: inner, meter: newMeter(deps.Registerer, deps.Model), most: config.MaxEvents}
}

// Invoke asks about one event, alone or with others. Requests that cannot be
// joined go straight on.
func (q *Queue) Invoke(ctx context.Context, r *model.Request) (*model.Response, error) {
	if !q.mayShare(r) {
		return q.inner.Invoke(ctx, r)
	}
	m, way := q.enter(r)
	switch way {
	case straight:
		return q.inner.Invoke(ctx, r)
	case atOnce:
		return q.alone(ctx, r)
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
	for i := range q.line {
		if q.line[i] == m {
			q.line = append(q.line[:i:i], q.line[i+1:]...)
			return true
		}
	}
	return false
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

// way is how an event goes on.
type way uint8

const (
	inLine   way = iota
	atOnce       // in a call of its own
	straight     // it can share no call: the line of balance is its line
)

// enter takes a call, or else a place in the line.
func (q *Queue) enter(r *model.Request) (*member, way) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.line) == 0 && q.room() {
		q.calls++
		return nil, atOnce
	}
	if q.compare.refuses(q.inner.Version()) || !q.deps.Codec.Joinable(r.Items[0].Body) {
		return nil, straight
	}
	m := &member{request: r, told: make(chan told, 1)}
	q.line = append(q.line, m)
	q.dispatch()
	return m, inLine
}

// room says whether a call may begin. q.mu is held.
func (q *Queue) room() bool {
	_, limit, _ := q.inner.Capacity()
	return q.calls < limit
}

// alone asks about one event in a call that was taken for it.
func (q *Queue) alone(ctx context.Context, r *model.Request) (*model.Response, error) {
	defer q.ended()
	q.meter.size.Observe(1)
	return q.inner.Invoke(ctx, r)
}

// ended gives a call back, and with it begins the next.
func (q *Queue) ended() {
	q.mu.Lock()
	q.calls--
	q.dispatch()
	q.mu.Unlock()
}

// dispatch begins calls about those who wait. q.mu is held.
func (q *Queue) dispatch() {
	for len(q.line) > 0 && q.room() {
		members, why := q.take()
		q.calls++
		q.meter.dispatches(why)
		if len(members) == 1 {
			members[0].told <- told{alone: true}
			continue
		}
		g := newGroup(q, members)
		if version := q.inner.Version(); q.compare.begins(version) {
			go g.compare(version)
		} else {
			go g.run()
		}
	}
}

// take takes from the line what shares the next call. q.mu is held.
func (q *Queue) take() (members []*member, why string) {
	n, why := q.fitting()
	members = q.line[:n:n]
	if q.line = q.line[n:]; len(q.line) == 0 {
		q.line = nil
	}
	return members, why
}

// fitting counts how many from the front of the line go into one call. q.mu is held.
func (q *Queue) fitting() (n int, why string) {
	first := q.line[0].request.Items[0].Body
	if !q.compare.allows(q.inner.Version()) {
		return 1, "free"
	}
	bytes := len(first)
	for n = 1; n < len(q.line); n++ {
		body := q.line[n].request.Items[0].Body
		bytes += len(body) + 1
		switch {
		case n == q.most:
			return n, "full"
		case bytes > int(q.config.MaxBytes):
			return n, "bytes"
		case !q.deps.Codec.Alike(first, body):
			return n, "free"
		}
	}
	return n, "free"
}

// hear is the owner's part when its member was told.
func (q *Queue) hear(ctx context.Context, m *member, t told) (*model.Response, error) {
	e := m.request.Items[0].Event
	if t.alone {
		if e != nil {
			e.Timeline.Mark(event.StageBatch, time.Now())
		}
		return q.alone(ctx, m.request)
	}
	if e != nil {
		mark(&e.Timeline, t)
	}
	return t.resp, t.err
}

// mark writes on an event where the time of its shared call went.
func mark(line *event.Timeline, t told) {
	line.Mark(event.StageBatch, t.began)
	at := t.line.Began()
	if at.After(t.began) { // calls before, that found out who else was the cause
		line.Mark(event.StageRetry, at)
	}
	for _, s := range []event.Stage{event.StageRetry, event.StageBalance, event.StageNetwork, event.StageModel} {
		if spent, seen := t.line.Spent(s); seen {
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
	for i := range q.line {
		if q.line[i] == m {
			q.line = append(q.line[:i:i], q.line[i+1:]...)
			return nil, q.gaveUp(ctx)
		}
	}
	q.calls-- // it was just told to go alone
	q.dispatch()
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
