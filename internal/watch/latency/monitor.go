package latency

import (
	"slices"
	"sync"
	"time"

	"betimes/internal/pulse"

	"github.com/prometheus/client_golang/prometheus"
)

// Objective is what the pipeline promises: target of the events within latency.
type Objective struct {
	Latency time.Duration
	Target  float64 // 0.99
}

// Monitor takes pulses and answers where the time goes, for all instances together.
type Monitor struct {
	window time.Duration

	mu        sync.Mutex
	objective Objective
	history   *history
	instances map[string]*instance
	changes   []pulse.Change // oldest first
}

const (
	silentAfter  = 5 * time.Second // without a pulse an instance is not counted on
	forgetAfter  = 10 * time.Minute
	maxInstances = 4096
	maxChanges   = 200
	maxAhead     = 5 * time.Second // of a foreign clock; beyond it our own counts
	youngPulse   = 3 * time.Second // the first pulse of a process that began so lately counts whole
)

// instance is one role's newest word, and its endpoints over the last minute.
type instance struct {
	newest pulse.Pulse
	minute []calledAt
}

// NewMonitor makes a Monitor and registers its metric.
func NewMonitor(c Config, o Objective, reg prometheus.Registerer) (*Monitor, error) {
	m := &Monitor{objective: o, window: c.Window, history: newHistory(), instances: map[string]*instance{}}
	return m, reg.Register(newCulpritMetric(m))
}

// Window is the span of the newest figures, as configured.
func (m *Monitor) Window() time.Duration { return m.window }

// SetObjective judges by another promise from now on, what was before included.
func (m *Monitor) SetObjective(o Objective) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.objective = o
}

// Take counts what an instance did since its last pulse.
func (m *Monitor) Take(p pulse.Pulse) {
	now := time.Now()
	if p.Instance == "" || p.At.Before(now.Add(-History)) {
		return
	}
	if p.At.After(now.Add(maxAhead)) {
		p.At = now
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	key := p.Role + " " + p.Instance
	one, known := m.instances[key]
	if known && (p.Epoch < one.newest.Epoch || p.Epoch == one.newest.Epoch && !p.At.After(one.newest.At)) {
		return // read again, or another process of that name that has gone
	}
	if !known {
		if !m.room(now) {
			return
		}
		one = &instance{}
		m.instances[key] = one
	}
	for name, h := range p.Stages {
		if !usable(h) {
			delete(p.Stages, name)
		}
	}
	m.count(one.newest, p, known)
	one.newest = p
	one.keepCalled(p)
	m.note(p.Changes)
}

// usable refuses what would not add up.
func usable(h pulse.Histogram) bool {
	return h.Valid() && h.SumUS >= 0 && !slices.ContainsFunc(h.Counts, func(n int64) bool { return n < 0 })
}

// count adds what p counted since the pulse before.
func (m *Monitor) count(before, p pulse.Pulse, known bool) {
	restarted := known && p.Epoch != before.Epoch
	young := p.At.Sub(time.UnixMicro(p.Epoch)) < youngPulse
	switch {
	case restarted, !known && young:
		m.history.add(p.At, p.Stages, p.Outcomes)
	case known:
		m.history.add(p.At, stagesSince(p, before), outcomesSince(p, before))
	}
}

func stagesSince(p, before pulse.Pulse) map[string]pulse.Histogram {
	out := make(map[string]pulse.Histogram, len(p.Stages))
	for name, h := range p.Stages {
		out[name] = h.Minus(before.Stages[name])
	}
	return out
}

func outcomesSince(p, before pulse.Pulse) map[string]int64 {
	out := make(map[string]int64, len(p.Outcomes))
	for name, n := range p.Outcomes {
		out[name] = n - before.Outcomes[name]
	}
	return out
}

// room makes room for one more instance; m.mu is held.
func (m *Monitor) room(now time.Time) bool {
	for key, one := range m.instances {
		if now.Sub(one.newest.At) > forgetAfter {
			delete(m.instances, key)
		}
	}
	return len(m.instances) < maxInstances
}

func (m *Monitor) note(changes []pulse.Change) {
	m.changes = append(m.changes, changes...)
	slices.SortStableFunc(m.changes, func(a, b pulse.Change) int { return a.At.Compare(b.At) })
	if extra := len(m.changes) - maxChanges; extra > 0 {
		m.changes = slices.Delete(m.changes, 0, extra)
	}
}
