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
	blocks := m.history.blocks(to-int64(History/time.Second), to)
	ref := reference(blocks)
	trouble, ok := findTrouble(blocks, ref, from, m.allowed())
	if !ok {
		return m.healthy(from, to, since)
	}
	return m.verdict(trouble, ref, to).why()
}

// verdict gathers what trouble is compared with: all that was well around it.
func (m *Monitor) verdict(t trouble, ref baseline, to int64) verdict {
	v := verdict{trouble: t, objective: m.objective, changes: m.changes, failing: failures(m.endpoints()), ended: to-t.to > settled}
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

// attribution is how much more a stage takes, as a part of the whole's rise.
type attribution struct {
	stage     string
	was, is   time.Duration
	rise      time.Duration
	share     float64
	carried   time.Duration // rise of stages that only wait for this one
	byTail    bool          // the mean is as it was; only the slowest rose
	unmatched bool          // there is no healthy time to compare with
}

// waiting are the stages in which an event waits for what comes after it.
var waiting = [event.NumStages]bool{
	event.StageProduce: true, event.StageBroker: true, event.StageQueue: true, event.StageAdmit: true,
	event.StageBatch: true, event.StageBalance: true,
}

func waits(stage string) bool {
	s, ok := event.StageNamed(stage)
	return ok && waiting[s]
}

// blame finds the stage that explains why bad takes longer than good.
func blame(bad, good span) attribution {
	unmatched := good.stages[Whole].Count() < fewEvents
	if unmatched {
		good = span{}
	}
	rises := meanRises(bad, good)
	byTail := !unmatched && total(rises) < bad.mean(Whole)/5
	if byTail {
		rises = tailRises(bad, good)
	}
	all := total(rises)
	work, wait := greatest(rises, false), greatest(rises, true)
	a := work
	waited := all - totalOf(rises, false)
	switch {
	case waited <= work.rise: // the work itself took longer
		a.carried = 0
	case !unmatched && work.mayFill(all): // and what waits for it waits longer
		a.carried = waited
	default:
		a = wait
	}
	if all > 0 {
		a.share = float64(a.rise+a.carried) / float64(all)
	}
	a.byTail, a.unmatched = byTail, unmatched
	return a
}

// mayFill says whether the rise of a stage that works can be why others wait: a
// stage that takes twice as long halves what it can take, whatever the share of
// the waiting; for less the rise must be some part of all.
func (a attribution) mayFill(all time.Duration) bool {
	doubled := a.is > 2*a.was
	grown := a.rise > a.was/4 && a.rise > all/20
	return a.rise > worthBlaming && (doubled || grown)
}

const (
	fewEvents    = 20                     // fewer say nothing
	worthBlaming = 500 * time.Microsecond // a rise below it makes no queue
)

func meanRises(bad, good span) []attribution {
	var out []attribution
	for _, name := range stageOrder(bad.stages) {
		out = append(out, newRise(name, good.mean(name), bad.mean(name)))
	}
	return out
}

func tailRises(bad, good span) []attribution {
	var out []attribution
	for _, name := range stageOrder(bad.stages) {
		out = append(out, newRise(name, good.stages[name].Quantile(0.99), bad.stages[name].Quantile(0.99)))
	}
	return out
}

func newRise(stage string, was, is time.Duration) attribution {
	return attribution{stage: stage, was: was, is: is, rise: max(is-was, 0)}
}

// mean is a stage's time per event of the whole, so that stages sum to it.
func (s span) mean(stage string) time.Duration {
	n := s.stages[Whole].Count()
	if n == 0 {
		return 0
	}
	return time.Duration(s.stages[stage].SumUS/n) * time.Microsecond
}

func total(rises []attribution) time.Duration {
	return totalOf(rises, false) + totalOf(rises, true)
}

// totalOf sums the rises of stages that wait, or of those that work.
func totalOf(rises []attribution, wait bool) time.Duration {
	var sum time.Duration
	for _, r := range rises {
		if waits(r.stage) == wait {
			sum += r.rise
		}
	}
	return sum
}

func greatest(rises []attribution, wait bool) attribution {
	var out attribution
	for _, r := range rises {
		if waits(r.stage) == wait && (out.stage == "" || r.rise > out.rise) {
			out = r
		}
	}
	return out
}

// p99Without is the whole's p99 without what the culprit added.
func p99Without(a attribution, bad, good span) time.Duration {
	now := bad.stages[Whole].Quantile(0.99)
	added := max(bad.stages[a.stage].Quantile(0.99)-good.stages[a.stage].Quantile(0.99), 0) + a.carried
	return max(now-added, min(good.stages[Whole].Quantile(0.99), now), 0)
}
