package batch

import (
	"fmt"
	"time"
)

// flight is one call of a Queue under way.
type flight struct {
	n      int // events
	began  time.Time
	rank   int  // calls under way when it began, itself included
	well   bool // all was answered, at the first try
	urgent bool
	probe  float64 // seconds that it would wait in a model whose executors are all busy; 0: no probe
}

// begin counts a call. q.mu is held.
func (q *Queue) begin(n int, now time.Time) *flight {
	q.calls++
	f := &flight{n: n, began: now, rank: q.calls}
	q.share.begins(f)
	return f
}

// ended gives a call back, learns from it, and begins the next.
func (q *Queue) ended(f *flight) {
	now := time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.over(f, now)
}

// over is ended with q.mu held.
func (q *Queue) over(f *flight, now time.Time) {
	q.calls--
	q.share.ends(f)
	if f.urgent {
		q.urgent.calls--
	}
	took := now.Sub(f.began)
	switch {
	case f.probe > 0:
		q.probed(f, took, now)
	case f.well && took > 0:
		q.learn(f, took, now)
	}
	q.dispatch(now)
}

// learn takes in how long a call took. Trials say nothing of what one costs, and
// another number of calls at once makes that another. q.mu is held.
func (q *Queue) learn(f *flight, took time.Duration, now time.Time) {
	trial := q.width.trial > 0
	if !trial || q.cost.weight == 0 {
		q.cost.add(f.n, took, now)
	}
	level := q.width.level
	one := shot{began: f.began, at: now, n: f.n, took: took.Seconds(), depth: float64(f.rank), wait: q.waiting > 0}
	q.width.add(one, f.n >= q.most)
	if q.width.level != level {
		q.cost.scale(doubted)
	}
	q.meter.learned(q.width.now(), q.cost.line)
	if !trial {
		q.doubt()
	}
}

// doubt says once when the objective leaves no time for as many events as a call may
// be about. q.mu is held.
func (q *Queue) doubt() {
	if q.doubted || q.deps.Budget == 0 || q.cost.weight < sureOfCost {
		return
	}
	if most := q.cost.fits(q.deps.Budget, q.config.MaxEvents); most < q.config.MaxEvents {
		q.doubted = true
		q.deps.Log.Warn("a call about flow.batch.max_events takes longer than objective.latency: none will be about so many; lower it, or raise the objective",
			"model", q.deps.Model, "max_events", q.config.MaxEvents, "in_time", most, "objective", q.deps.Budget)
	}
}

// sureOfCost is the weight of calls from which on the line is taken for true.
const sureOfCost = 30

// decision is what the record of an event says of its call: how many events, why
// no more, how long it may take of how long there is, and some of the ids. q.mu is
// held.
func (q *Queue) decision(members []*member, why string, now time.Time) string {
	const named = 3
	text := fmt.Appendf(nil, "%d_events,%s,%.1fms", len(members), why, millis(q.cost.predict(len(members))))
	left := forever
	for _, m := range members {
		left = min(left, m.left(now))
	}
	if left < forever {
		text = fmt.Appendf(text, "_of_%.1fms", millis(left))
	}
	for i, m := range members[:min(named, len(members))] {
		text = append(append(text, [named]string{",with_", "+", "+"}[i]...), m.request.InferenceID...)
	}
	return string(text)
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
