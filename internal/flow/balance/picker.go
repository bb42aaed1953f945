package balance

import (
	"context"
	"errors"
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

// Picker is the Invoker of one model. It has one endpoint.
type Picker struct {
	config Config
	inner  model.Invoker
	slots  chan struct{}

	calls   [model.NumClasses + 1]atomic.Int64 // by class; the last: ok
	counter [model.NumClasses + 1]prometheus.Counter
	seconds pulse.Recorder
	last    atomic.Pointer[model.Error]
	failing atomic.Int64 // Unix µs since when every call fails for the endpoint's fault; 0: it answers
}

const ok = model.NumClasses

// New makes a Picker that asks inner.
func New(config Config, inner model.Invoker, r prometheus.Registerer) *Picker {
	p := &Picker{config: config, inner: inner, slots: make(chan struct{}, max(config.Limit, 1))}
	p.register(r)
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
		p.failing.Store(0)
		return
	}
	class := model.ClassOf(err)
	p.calls[class].Add(1)
	p.counter[class].Inc()
	if class == model.ClassCanceled {
		return
	}
	if e, is := errors.AsType[*model.Error](err); is {
		p.last.Store(e)
	}
	if class.OfEndpoint() {
		p.failing.CompareAndSwap(0, now.UnixMicro())
	} else {
		p.failing.Store(0)
	}
}

// Err is why the endpoint does not answer, nil when it does.
func (p *Picker) Err() error {
	if p.failing.Load() == 0 {
		return nil
	}
	if e := p.last.Load(); e != nil {
		return e
	}
	return nil
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
	if err := p.Err(); err != nil {
		s.LastError = err.Error()
	}
	return s
}
