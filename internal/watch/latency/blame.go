package latency

import (
	"time"

	"betimes/internal/event"
)

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
	case unmatched && work.rise > wait.rise: // it takes the most, and that is all that is said
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

// p99Without is the whole's p99 without what the culprit added: never less than it was,
// nor than what another stage that works takes.
func p99Without(a attribution, bad, good span) time.Duration {
	now := bad.stages[Whole].Quantile(0.99)
	added := max(bad.stages[a.stage].Quantile(0.99)-good.stages[a.stage].Quantile(0.99), 0) + a.carried
	least := good.stages[Whole].Quantile(0.99)
	for _, name := range stageOrder(bad.stages) {
		if name != a.stage && !waits(name) {
			least = max(least, bad.stages[name].Quantile(0.99))
		}
	}
	return max(now-added, min(least, now))
}
