package balance

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"betimes/internal/event"
	"betimes/internal/model"
	"betimes/internal/pulse"
)

// Deps are a Picker's collaborators.
type Deps struct {
	Log        *slog.Logger
	Registerer prometheus.Registerer
	Allowance  *Allowance // of the process; nil: one of its own
}

// Picker is the Invoker of one model. It has one endpoint.
type Picker struct {
	target Target
	deps   Deps
	inner  model.Invoker
	slots  slots
	health health

	calls   [model.NumClasses + 1]atomic.Int64 // by class; the last: ok
	meter   meter
	seconds pulse.Recorder
	version atomic.Pointer[string] // of the newest answer
}

const ok = model.NumClasses

// New makes a Picker that asks inner.
func New(target Target, inner model.Invoker, deps Deps) *Picker {
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	if deps.Allowance == nil {
		deps.Allowance = NewAllowance(DefaultConfig())
	}
	p := &Picker{target: target, deps: deps, inner: inner}
	p.slots.limit = newLimiter(target.Limit)
	p.health = health{target: target, log: deps.Log}
	p.meter = newMeter(deps.Registerer, target)
	p.meter.limit.Set(float64(p.slots.limit.limit))
	return p
}

// Invoke asks the endpoint once a slot is free, and again where that may help.
func (p *Picker) Invoke(ctx context.Context, r *model.Request) (*model.Response, error) {
	if r == nil || len(r.Items) == 0 {
		return nil, &model.Error{Class: model.ClassBadInput, Endpoint: p.target.Endpoint, Message: "a request without items"}
	}
	t := tries{deadline: r.Deadline(), latest: r.Latest()}
	for back := false; ; back = true {
		got, err := p.slots.take(ctx, back, t.latest)
		if err != nil {
			return nil, p.gaveUp(err)
		}
		if t.over(time.Now()) { // it was long in coming
			p.slots.give(got, silent, 0, false)
			return nil, p.gaveUp(errLate)
		}
		o := p.try(ctx, r, got, &t)
		if !o.again {
			return o.resp, o.err
		}
		if !sleep(ctx, o.pause) {
			p.slots.abandon()
			return nil, p.cutShort(ctx.Err(), o.err)
		}
	}
}

// outcome is how one try ended.
type outcome struct {
	resp  *model.Response
	err   error
	pause time.Duration
	again bool
}

// try makes one call in a slot, which is free afterwards.
func (p *Picker) try(ctx context.Context, r *model.Request, got slot, t *tries) (o outcome) {
	began, said := time.Now(), silent
	mark(r.Items, event.StageBalance, began)
	defer func() {
		p.meter.limit.Set(float64(p.slots.give(got, said, time.Since(began), o.again)))
	}()
	p.deps.Allowance.earn()
	o.resp, o.err = p.inner.Invoke(ctx, r)
	now := time.Now()
	p.count(o.err, now.Sub(began), now)
	if o.err == nil {
		said = answered
		p.answered(r.Items, o.resp, now)
		return o
	}
	class := model.ClassOf(o.err)
	said = verdictOf(class)
	o.pause, o.again = p.again(ctx, t, o.err, now)
	p.failed(r.Items, class, o.again, now)
	return o
}

// verdictOf: an answer of the model, good or bad, shows that the call was taken.
func verdictOf(class model.Class) verdict {
	switch {
	case class == model.ClassThrottled:
		return throttled
	case class.OfEndpoint():
		return silent
	}
	return answered
}

// answered writes on the events where the time of their call went.
func (p *Picker) answered(items []model.Item, resp *model.Response, now time.Time) {
	mark(items, event.StageNetwork, now)
	if resp.Version != "" {
		if v := p.version.Load(); v == nil || *v != resp.Version {
			p.version.Store(&resp.Version)
		}
	}
	if !resp.Times.Server {
		return
	}
	for i := range items {
		if e := items[i].Event; e != nil {
			e.Timeline.Move(event.StageNetwork, event.StageModel, resp.Times.Queue+resp.Times.Compute)
		}
	}
}

// failed writes on the events what the try cost. A refusal for load is a wait for
// the endpoint.
func (p *Picker) failed(items []model.Item, class model.Class, again bool, now time.Time) {
	stage := event.StageNetwork
	if again {
		stage = event.StageRetry
		p.meter.retries[class].Inc()
		if class == model.ClassThrottled {
			stage = event.StageBalance
		}
	}
	mark(items, stage, now)
}

// gaveUp is the error of a call that found no free slot in time.
func (p *Picker) gaveUp(ended error) error {
	class := model.ClassCanceled
	switch {
	case errors.Is(ended, errLate):
		class = model.ClassLate
	case errors.Is(ended, context.DeadlineExceeded):
		class = model.ClassThrottled // of our own making: not a fault of the event
	}
	return &model.Error{Class: class, Endpoint: p.target.Endpoint, Message: "no free slot", Err: ended}
}

// cutShort is the error of a call that ended between two tries: the failure of the
// last one, unless its caller gave up.
func (p *Picker) cutShort(ended, last error) error {
	if errors.Is(ended, context.DeadlineExceeded) {
		return last
	}
	return &model.Error{Class: model.ClassCanceled, Endpoint: p.target.Endpoint, Err: ended}
}

func mark(items []model.Item, s event.Stage, at time.Time) {
	for i := range items {
		if e := items[i].Event; e != nil {
			e.Timeline.Mark(s, at)
		}
	}
}

// count notes how a try ended.
func (p *Picker) count(err error, took time.Duration, now time.Time) {
	class := ok
	if err != nil {
		class = int(model.ClassOf(err))
	}
	p.calls[class].Add(1)
	p.meter.invocations[class].Inc()
	if class == ok {
		p.seconds.Record(took)
	}
	p.health.note(err, now)
}
