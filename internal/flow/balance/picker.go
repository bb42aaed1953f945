package balance

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"betimes/internal/event"
	"betimes/internal/model"
)

// Deps are a Picker's collaborators.
type Deps struct {
	Log        *slog.Logger
	Registerer prometheus.Registerer
	Allowance  *Allowance // of the process; nil: one of its own
}

// Picker is the Invoker of one model: it picks the endpoint of each call.
type Picker struct {
	deps      Deps
	endpoints []*endpoint
	line      line
	hedging   *hedging // nil: no call is made twice
}

const ok = model.NumClasses

// New makes a Picker of one endpoint.
func New(target Target, door model.Invoker, deps Deps) *Picker {
	return Among(DefaultConfig(), []Route{{target, door}}, deps)
}

// Among makes a Picker of several endpoints, at most MaxEndpoints.
func Among(c Config, routes []Route, deps Deps) *Picker {
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	if deps.Allowance == nil {
		deps.Allowance = NewAllowance(c)
	}
	p := &Picker{deps: deps}
	for i, r := range routes {
		e := newEndpoint(i, r, deps)
		e.health.others = len(routes) > 1
		p.endpoints = append(p.endpoints, e)
	}
	p.line.chooser = newChooser(c, p.endpoints)
	if c.Hedge != nil && len(routes) > 1 {
		p.hedging = &hedging{config: *c.Hedge}
		for _, e := range p.endpoints {
			e.meter.beginHedges()
		}
	}
	p.tell(deps.Registerer)
	return p
}

// Invoke asks an endpoint once one has a free slot, and again where that may help.
func (p *Picker) Invoke(ctx context.Context, r *model.Request) (*model.Response, error) {
	if r == nil || len(r.Items) == 0 {
		return nil, &model.Error{Class: model.ClassBadInput, Endpoint: p.name(), Message: "a request without items"}
	}
	t := tries{ask: ask{deadline: r.Deadline(), latest: r.Latest()}}
	if e := r.Items[0].Event; e != nil && len(r.Items) == 1 {
		t.key = e.Key
	}
	for ; ; t.back = true {
		got, err := p.line.take(ctx, t.ask)
		if err != nil {
			return nil, p.gaveUp(err)
		}
		if t.over(time.Now()) { // it was long in coming
			p.line.give(got, result{class: int(model.ClassCanceled), now: time.Now()}, false)
			return nil, p.gaveUp(errLate)
		}
		o := p.try(ctx, r, got, &t)
		if !o.again {
			return o.resp, o.err
		}
		if !sleep(ctx, o.pause) {
			p.line.returning(-1)
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
func (p *Picker) try(ctx context.Context, r *model.Request, c *call, t *tries) (o outcome) {
	e := c.endpoint
	mark(r.Items, event.StageBalance, c.began)
	p.decided(r.Items, c)
	res := result{class: int(model.ClassUnknown)}
	held := true
	give := func(again bool) {
		held, res.now = false, time.Now()
		e.meter.limit.Set(float64(p.line.give(c, res, again)))
	}
	var h *hedge
	defer func() { // also when the door panics
		h.disarm()
		if held {
			give(o.again)
		} else if o.again {
			p.line.returning(1)
		}
	}()
	p.deps.Allowance.earn()
	var own context.Context
	h, own = p.arm(ctx, r, c, t)
	resp, err := e.door.Invoke(own, r)
	res = resultOf(err, c.began)
	e.count(res, err)
	hedged := false
	if h != nil {
		if err != nil && res.class != int(model.ClassCanceled) { // the second call may take long
			give(false)
		}
		resp, err, hedged = h.settle(ctx, resp, err)
		res.beaten = hedged && res.class == int(model.ClassCanceled)
		p.settled(r.Items, h, hedged, t)
		h.release()
		h = nil // it is another call's now
	}
	if p.hedging != nil && (res.class == ok || res.beaten) {
		p.hedging.note(res.took, res.now)
	}
	if o.resp, o.err = resp, err; err == nil {
		if !hedged {
			e.answeredBy(resp.Version)
		}
		spent(r.Items, resp, time.Now())
		return o
	}
	o.err = e.named(err)
	t.tried |= e.bit
	o.pause, o.again = p.again(ctx, t, err, res.now)
	p.failed(r.Items, e, model.ClassOf(err), o.again, res.now)
	return o
}

// named is a door's error with the name that this endpoint has among the others: doors
// know that of the service.
func (e *endpoint) named(err error) error {
	said, is := err.(*model.Error)
	if !is || said.Endpoint == e.target.Endpoint {
		return err
	}
	own := *said
	own.Endpoint = e.target.Endpoint
	return &own
}

// resultOf is how a call ended that began then.
func resultOf(err error, began time.Time) result {
	now := time.Now()
	r := result{class: ok, took: now.Sub(began), now: now}
	if err != nil {
		r.class = int(model.ClassOf(err))
	}
	return r
}

// spent writes on the events where the time of their call went.
func spent(items []model.Item, resp *model.Response, now time.Time) {
	mark(items, event.StageNetwork, now)
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
func (p *Picker) failed(items []model.Item, e *endpoint, class model.Class, again bool, now time.Time) {
	stage := event.StageNetwork
	if again {
		stage = event.StageRetry
		e.retries.Add(1)
		e.meter.retries[class].Inc()
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
	return &model.Error{Class: class, Endpoint: p.name(), Message: "no free slot", Err: ended}
}

// cutShort is the error of a call that ended between two tries: the failure of the
// last one, unless its caller gave up.
func (p *Picker) cutShort(ended, last error) error {
	if errors.Is(ended, context.DeadlineExceeded) {
		return last
	}
	return &model.Error{Class: model.ClassCanceled, Endpoint: p.name(), Err: ended}
}

// name is that of the endpoint, or of the model when there are several.
func (p *Picker) name() string {
	if target := p.endpoints[0].target; len(p.endpoints) == 1 {
		return target.Endpoint
	}
	return p.endpoints[0].target.Model
}

func mark(items []model.Item, s event.Stage, at time.Time) {
	for i := range items {
		if e := items[i].Event; e != nil {
			e.Timeline.Mark(s, at)
		}
	}
}
