package latency

import (
	"time"

	"betimes/internal/budget"
	"betimes/internal/event"
)

// Budget is how the objective's time is spent on the stages, as the newest events
// took it.
type Budget struct {
	LatencyUS int64         `json:"latency_us"` // of the objective
	NeedUS    int64         `json:"need_us"`    // of all stages together, with an even chance
	SlackUS   int64         `json:"slack_us"`   // what is over; below zero: most events are late
	Stages    []BudgetStage `json:"stages"`     // in the order of the journey
}

// BudgetStage is one stage's part.
type BudgetStage struct {
	Stage  string `json:"stage"`
	NeedUS int64  `json:"need_us"`
	MayUS  int64  `json:"may_us"` // what it may take when all take as many times what they need
}

// Budget splits the objective's time by what the stages need, on average over the
// processes that know.
func (m *Monitor) Budget() Budget {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := Budget{LatencyUS: m.objective.Latency.Microseconds(), Stages: []BudgetStage{}}
	needs := m.needs()
	first := event.StageGateway
	may := needs.Split(m.objective.Latency-needs[first], first)
	may[first] = needs[first] // it is over when the clock is looked at
	for s, need := range needs[:event.StagePublish+1] {
		if need > 0 {
			out.NeedUS += need.Microseconds()
			out.Stages = append(out.Stages, BudgetStage{event.Stage(s).String(), need.Microseconds(), may[s].Microseconds()})
		}
	}
	out.SlackUS = out.LatencyUS - out.NeedUS
	return out
}

// needs is the mean of what the processes say. m.mu is held.
func (m *Monitor) needs() budget.Needs {
	var sum budget.Needs
	said := time.Duration(0)
	m.live(func(one *instance) {
		if len(one.newest.NeedUS) == 0 {
			return
		}
		said++
		for name, us := range one.newest.NeedUS {
			if s, known := event.StageNamed(name); known && us > 0 {
				sum[s] += time.Duration(min(us, time.Hour.Microseconds())) * time.Microsecond
			}
		}
	})
	for s := range sum {
		sum[s] /= max(said, 1)
	}
	return sum
}
