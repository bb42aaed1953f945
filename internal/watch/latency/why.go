package latency

import (
	"time"

	"betimes/internal/event"
)

// Why says whether the pipeline is healthy and, if not, which stage is to blame.
type Why struct {
	Healthy        bool            `json:"healthy"`
	Since          *time.Time      `json:"since"`           // when it began; null when healthy
	Until          *time.Time      `json:"until,omitempty"` // when it ended, if it did
	Culprit        *Culprit        `json:"culprit"`
	Sentence       string          `json:"sentence"`
	Evidence       []string        `json:"evidence"`
	Remedy         string          `json:"remedy"`
	Counterfactual *Counterfactual `json:"counterfactual"`
}

// Culprit is the stage to blame and its share of the rise.
type Culprit struct {
	Stage string  `json:"stage"`
	Share float64 `json:"share"`
}

// Counterfactual is the p99 as it would have been, had the culprit stayed as it was.
type Counterfactual struct {
	P99US int64 `json:"p99_us"`
}

// Why looks for a culprit in the time since then, compared with the healthy part
// of the last hour.
func (m *Monitor) Why(since time.Duration) Why {
	since = clamp(since)
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	to := now.Unix() + 1
	from := now.Add(-since).Unix()
	if s, ok := m.stalled(now); ok {
		return s.why()
	}
	if u, ok := m.refusing(now); ok {
		return u.why()
	}
	blocks := m.history.blocks(to-int64(History/time.Second), to)
	ref := reference(blocks, m.objective.Latency)
	var v verdict
	trouble, slow := findTrouble(blocks, ref, from, m.allowed())
	if slow {
		v = m.verdict(trouble, ref, to)
		slow = !v.unproven(m.allowed())
	}
	if slow && !v.ended {
		return v.why()
	}
	if u, ok := m.unpredicts(now); ok {
		return u.why()
	}
	if slow {
		return v.why()
	}
	return m.healthy(from, to, since)
}

// unproven says that nothing speaks of trouble but a few events that were quicker: the
// objective is kept, and there is no healthy time to compare with.
func (v verdict) unproven(allowed float64) bool {
	return v.good.stages[Whole].Count() < fewEvents && v.lateShare() <= allowed
}

// verdict gathers what trouble is compared with: all that was well around it.
func (m *Monitor) verdict(t trouble, ref baseline, to int64) verdict {
	v := verdict{trouble: t, objective: m.objective, changes: m.changes, failing: failures(m.endpoints()), keys: awaited(m.keys()), ended: to-t.to > settled}
	m.live(func(one *instance) { v.waiting += max(one.newest.Queued-one.newest.InFlight, 0) })
	v.bad = m.history.sum(t.from, t.to, func(s *slot) bool {
		v.badSeconds += m.history.busy(s)
		return true
	})
	v.good = m.history.sum(to-int64(History/time.Second), to, func(s *slot) bool {
		if s.start >= t.from && s.start < t.to || bad(blockOf(s), ref, m.allowed()) {
			return false
		}
		v.goodSeconds += m.history.busy(s)
		return true
	})
	return v
}

// settled is for how many seconds all must be well for trouble to be over.
const settled = 10

func (m *Monitor) healthy(from, to int64, since time.Duration) Why {
	s := m.history.sum(from, to, nil)
	w := Why{Healthy: true, Evidence: []string{}}
	whole := s.stages[Whole]
	if whole.Count() == 0 {
		w.Sentence = "No event was predicted in the last " + spanText(since) + "."
		return w
	}
	w.Sentence = "Healthy: p99 " + Duration(whole.Quantile(0.99)) + " over the last " + spanText(since) + ", " +
		Percent(lateShare(s.outcomes)) + " of " + counted(s.outcomes[event.Predicted.String()], "event") + " late."
	return w
}
