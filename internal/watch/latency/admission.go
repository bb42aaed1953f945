package latency

import "cmp"

// TurnedAway is the outcome of events that a gateway refused because they would be late.
const TurnedAway = "turned_away"

// Admission is what all gateways and workers together say of events that would be late.
type Admission struct {
	TurnedAwayPerS float64 `json:"turned_away_per_s"` // by gateways, in the last minute
	BoundPerS      float64 `json:"bound_per_s"`       // that the workers predict in time; 0: no bound is known
	NeedUS         int64   `json:"need_us"`           // that an event takes which waits for no other
}

// Admission sums up what is known; nil: nothing is refused at the gateway.
func (m *Monitor) Admission() *Admission {
	m.mu.Lock()
	defer m.mu.Unlock()
	var sum *Admission
	unbound := false
	turned := 0.0
	m.live(func(one *instance) {
		newest, oldest := one.minute[len(one.minute)-1], one.minute[0]
		turned += perSecond(newest.turned-oldest.turned, newest.at.Sub(oldest.at).Seconds())
		if a := one.newest.Admission; a != nil {
			sum = cmp.Or(sum, &Admission{})
			sum.BoundPerS += a.Rate
			sum.NeedUS = max(sum.NeedUS, a.NeedUS)
			unbound = unbound || a.Rate <= 0
		}
	})
	if sum == nil {
		return nil
	}
	sum.TurnedAwayPerS = turned
	if unbound {
		sum.BoundPerS = 0
	}
	return sum
}
