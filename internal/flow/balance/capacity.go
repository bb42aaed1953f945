package balance

import (
	"time"

	"betimes/internal/pulse"
)

// Capacity tells how many more calls the endpoint would take now, how many at
// once, as learned, and how long one takes; zero: no call was answered yet.
func (p *Picker) Capacity() (free, limit int, service time.Duration) { return p.slots.capacity() }

// Model is the name of the model that is asked.
func (p *Picker) Model() string { return p.target.Model }

func (p *Picker) limit() int {
	_, limit, _ := p.slots.capacity()
	return limit
}

// Scaled tells that the endpoint has another number of instances: what was learned
// is taken up or down with it.
func (p *Picker) Scaled(from, to int) {
	if from < 1 || to < 1 || from == to {
		return
	}
	p.slots.mu.Lock()
	defer p.slots.mu.Unlock()
	p.slots.limit.scale(float64(to) / float64(from))
	p.slots.grant(time.Now())
}

// Version is the model version that answers: what the door knows, else what the
// newest answer said. Empty: not known.
func (p *Picker) Version() string {
	if door, knows := p.inner.(interface{ Version() string }); knows {
		return door.Version()
	}
	if v := p.version.Load(); v != nil {
		return *v
	}
	return ""
}

// AnsweredSince says whether the endpoint answered a call after that moment.
func (p *Picker) AnsweredSince(at time.Time) bool { return p.health.newest.Load() > at.UnixMicro() }

// Err is why the endpoint does not answer, nil when it does.
func (p *Picker) Err() error { return p.health.err() }

// Snapshot is the endpoint as a pulse has it.
func (p *Picker) Snapshot() pulse.Endpoint {
	s := pulse.Endpoint{
		Model: p.target.Model, Name: p.target.Endpoint, Door: p.target.Door,
		Up: p.health.up(), Latency: p.seconds.Snapshot(), Invocations: map[string]int64{}, Limit: p.limit(),
	}
	p.slots.mu.Lock()
	s.InFlight = p.slots.underWay
	p.slots.mu.Unlock()
	for class := range p.calls {
		if n := p.calls[class].Load(); n > 0 {
			s.Invocations[nameOf(class)] = n
		}
	}
	if !s.Up {
		s.LastError = p.health.cause()
	}
	return s
}
