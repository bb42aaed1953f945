package latency

import (
	"cmp"
	"slices"
	"time"

	"betimes/internal/pulse"
)

// Instance is one running role as its pulse says.
type Instance struct {
	Name     string    `json:"name"`
	Role     string    `json:"role"`
	Admin    string    `json:"admin,omitempty"`
	Started  time.Time `json:"started"`
	At       time.Time `json:"at"` // of the newest pulse
	Silent   bool      `json:"silent"`
	InFlight int       `json:"in_flight"`
	Queued   int       `json:"queued"`
}

// Instances lists who was heard of lately, by role and name.
func (m *Monitor) Instances() []Instance {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	out := make([]Instance, 0, len(m.instances))
	for _, one := range m.instances {
		p := one.newest
		if now.Sub(p.At) > forgetAfter {
			continue
		}
		out = append(out, Instance{
			Name: p.Instance, Role: p.Role, Admin: p.Admin, Started: time.UnixMicro(p.Epoch), At: p.At,
			Silent: now.Sub(p.At) > silentAfter, InFlight: p.InFlight, Queued: p.Queued,
		})
	}
	slices.SortFunc(out, func(a, b Instance) int { return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.Name, b.Name)) })
	return out
}

// live gives f the newest pulse of each instance that is not silent; m.mu is held.
func (m *Monitor) live(f func(*instance)) {
	now := time.Now()
	for _, one := range m.instances {
		if now.Sub(one.newest.At) <= silentAfter {
			f(one)
		}
	}
}

// Lag lists how far each partition is behind, by topic and partition. Of two
// instances that name one partition the newer pulse counts.
func (m *Monitor) Lag() []pulse.Lag {
	m.mu.Lock()
	defer m.mu.Unlock()
	type place struct {
		topic     string
		partition int32
	}
	at, lag := map[place]time.Time{}, map[place]pulse.Lag{}
	m.live(func(one *instance) {
		for _, l := range one.newest.Lag {
			p := place{l.Topic, l.Partition}
			if !one.newest.At.Before(at[p]) {
				at[p], lag[p] = one.newest.At, l
			}
		}
	})
	out := make([]pulse.Lag, 0, len(lag))
	for _, l := range lag {
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b pulse.Lag) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return out
}

// Changes lists what happened to the roles, newest first.
func (m *Monitor) Changes() []pulse.Change {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := slices.Clone(m.changes)
	slices.Reverse(out)
	return out
}
