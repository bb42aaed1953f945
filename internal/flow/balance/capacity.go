package balance

import (
	"slices"
	"strings"
	"time"

	"betimes/internal/pulse"
)

// Capacity tells how many more calls the endpoints would take now, how many at
// once, as learned, and how long one takes; zero: no call was answered yet.
func (p *Picker) Capacity() (free, limit int, service time.Duration) { return p.line.capacity() }

// Model is the name of the model that is asked.
func (p *Picker) Model() string { return p.endpoints[0].target.Model }

// Scaled tells that an endpoint has another number of instances: what was learned
// is taken up or down with it.
func (p *Picker) Scaled(name string, from, to int) {
	if from < 1 || to < 1 || from == to {
		return
	}
	p.line.mu.Lock()
	defer p.line.mu.Unlock()
	for _, e := range p.endpoints {
		if e.target.Endpoint == name {
			e.limit.scale(float64(to) / float64(from))
		}
	}
	p.line.grant(time.Now())
}

// Version is the model version that answers, or all of them when the endpoints have
// different ones. Empty: not known.
func (p *Picker) Version() string {
	first := p.endpoints[0].saysVersion()
	if !slices.ContainsFunc(p.endpoints[1:], func(e *endpoint) bool { return e.saysVersion() != first }) {
		return first
	}
	var all []string
	for _, e := range p.endpoints {
		if v := e.saysVersion(); v != "" && !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	slices.Sort(all)
	return strings.Join(all, "+")
}

// AnsweredSince says whether the endpoint of that name answered a call after that
// moment. What others answer says nothing of it.
func (p *Picker) AnsweredSince(name string, at time.Time) bool {
	return slices.ContainsFunc(p.endpoints, func(e *endpoint) bool { return e.target.Endpoint == name && e.health.newest.Load() > at.UnixMicro() })
}

// Err is why no endpoint answers, nil when one does.
func (p *Picker) Err() error {
	var first error
	for _, e := range p.endpoints {
		err := e.health.err()
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// Snapshots are the endpoints as a pulse has them.
func (p *Picker) Snapshots() []pulse.Endpoint {
	all := make([]pulse.Endpoint, len(p.endpoints))
	for i, e := range p.endpoints {
		all[i] = e.snapshot()
		p.line.mu.Lock()
		all[i].InFlight, all[i].Limit = e.underWay, e.limit.at(time.Now())
		all[i].Out, all[i].LearnedUS = len(p.endpoints) > 1 && !e.standing.in(), e.speed.mean.Microseconds()
		p.line.mu.Unlock()
	}
	return all
}
