package balance

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"betimes/internal/event"
	"betimes/internal/model"
	"betimes/internal/pulse"
)

// Config is one endpoint of one model.
type Config struct {
	Model, Endpoint, Door string
	Limit                 int // calls at once
}

// Deps are a Picker's collaborators.
type Deps struct {
	Log        *slog.Logger
	Registerer prometheus.Registerer
}

// Picker is the Invoker of one model. It has one endpoint.
type Picker struct {
	config Config
	log    *slog.Logger
	inner  model.Invoker
	slots  chan struct{}

	calls   [model.NumClasses + 1]atomic.Int64 // by class; the last: ok
	counter [model.NumClasses + 1]prometheus.Counter
	seconds pulse.Recorder
	last    atomic.Pointer[model.Error]
	newest  atomic.Int64 // Unix µs of the newest call that was answered
	failing atomic.Int64 // Unix µs since when every call fails for the endpoint's fault; 0: it answers
}

const ok = model.NumClasses

// New makes a Picker that asks inner.
func New(config Config, inner model.Invoker, deps Deps) *Picker {
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	p := &Picker{config: config, log: deps.Log, inner: inner, slots: make(chan struct{}, max(config.Limit, 1))}
	p.register(deps.Registerer)
	return p
}

// Invoke asks the endpoint once a slot is free.
func (p *Picker) Invoke(ctx context.Context, r *model.Request) (*model.Response, error) {
	if r == nil || len(r.Items) == 0 {
		return nil, &model.Error{Class: model.ClassBadInput, Endpoint: p.config.Endpoint, Message: "a request without items"}
	}
	select {
	case p.slots <- struct{}{}:
	default:
		select {
		case p.slots <- struct{}{}:
		case <-ctx.Done():
			return nil, p.gaveUp(ctx)
		}
	}
	defer func() { <-p.slots }()
	began := time.Now()
	mark(r.Items, event.StageBalance, began)
	resp, err := p.inner.Invoke(ctx, r)
	now := time.Now()
	mark(r.Items, event.StageNetwork, now)
	p.count(err, now.Sub(began), now)
	if err != nil {
		return nil, err
	}
	if resp.Times.Server {
		for i := range r.Items {
			if e := r.Items[i].Event; e != nil {
				e.Timeline.Move(event.StageNetwork, event.StageModel, resp.Times.Queue+resp.Times.Compute)
			}
		}
	}
	return resp, nil
}

// gaveUp is the error of a call that found no free slot in time.
func (p *Picker) gaveUp(ctx context.Context) error {
	class := model.ClassCanceled
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		class = model.ClassThrottled // of our own making: not a fault of the event
	}
	return &model.Error{Class: class, Endpoint: p.config.Endpoint, Message: "no free slot", Err: ctx.Err()}
}

func mark(items []model.Item, s event.Stage, at time.Time) {
	for i := range items {
		if e := items[i].Event; e != nil {
			e.Timeline.Mark(s, at)
		}
	}
}

// count notes how a call ended.
func (p *Picker) count(err error, took time.Duration, now time.Time) {
	if err == nil {
		p.calls[ok].Add(1)
		p.counter[ok].Inc()
		p.seconds.Record(took)
		p.answered(now)
		return
	}
	class := model.ClassOf(err)
	p.calls[class].Add(1)
	p.counter[class].Inc()
	if class == model.ClassCanceled {
		return
	}
	if !class.OfEndpoint() {
		p.answered(now)
		return
	}
	if e, is := errors.AsType[*model.Error](err); is {
		p.last.Store(e)
	}
	if p.failing.CompareAndSwap(0, now.UnixMicro()) {
		p.log.Warn("endpoint fails, its events wait", "endpoint", p.config.Endpoint, "model", p.config.Model, "cause", p.cause())
	}
}

// flicker is an outage too short for a line of its own: one event that the endpoint
// cannot stand among others that it answers makes many a second.
const flicker = time.Second

// answered notes that the endpoint does its work, whatever the answer.
func (p *Picker) answered(now time.Time) {
	p.newest.Store(now.UnixMicro())
	if p.failing.Load() == 0 {
		return
	}
	if since := p.failing.Swap(0); since != 0 && now.Sub(time.UnixMicro(since)) >= flicker {
		p.log.Info("endpoint answers again", "endpoint", p.config.Endpoint, "model", p.config.Model)
	}
}

// AnsweredSince says whether the endpoint answered a call after that moment.
func (p *Picker) AnsweredSince(at time.Time) bool { return p.newest.Load() > at.UnixMicro() }

// Err is why the endpoint does not answer, nil when it does.
func (p *Picker) Err() error {
	if p.failing.Load() == 0 {
		return nil
	}
	return fmt.Errorf("models.%s: %s", p.config.Model, p.cause())
}

// cause says why the newest call failed, without the other side's own words:
// they may repeat the event.
func (p *Picker) cause() string {
	e := p.last.Load()
	if e == nil {
		return "unknown"
	}
	short := model.Error{Class: e.Class, Status: e.Status, OriginalStatus: e.OriginalStatus, Err: e.Err, Endpoint: p.config.Endpoint}
	return short.Error()
}

// Snapshot is the endpoint as a pulse has it.
func (p *Picker) Snapshot() pulse.Endpoint {
	s := pulse.Endpoint{
		Model: p.config.Model, Name: p.config.Endpoint, Door: p.config.Door,
		Up: p.failing.Load() == 0, InFlight: len(p.slots), Latency: p.seconds.Snapshot(), Invocations: map[string]int64{},
	}
	for class := range p.calls {
		if n := p.calls[class].Load(); n > 0 {
			s.Invocations[outcome(class)] = n
		}
	}
	if !s.Up {
		s.LastError = p.cause()
	}
	return s
}
