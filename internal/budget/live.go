package budget

import (
	"sync"
	"sync/atomic"
	"time"

	"betimes/internal/event"
)

// Even and Sure are the chances that rooms plan with: as many took longer as took
// less, and hardly any took longer.
const (
	Even = 0.5
	Sure = 0.95
)

// Live knows what each stage takes now, from the events that were predicted. It is
// safe for concurrent use.
type Live struct {
	mu     sync.Mutex
	stages [event.NumStages]Recent
	even   atomic.Pointer[Needs]
	until  time.Time // when what was worked out is worked out anew
}

// refresh is how old what was worked out may be.
const refresh = 50 * time.Millisecond

// Observe takes in where the time of a predicted event went.
func (l *Live) Observe(t *event.Timeline, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for s := range l.stages {
		spent, seen := t.Spent(event.Stage(s))
		if detour := event.Stage(s) > event.StagePublish; seen || !detour { // who had not to wait took nothing
			l.stages[s].Add(spent, now)
		}
	}
	if now.Before(l.until) {
		return
	}
	l.until = now.Add(refresh)
	var n Needs
	for s := range l.stages {
		n[s] = l.stages[s].Quantile(Even)
	}
	l.even.Store(&n)
}

// Needs is what each stage takes with an even chance. A nil Live knows nothing.
func (l *Live) Needs() Needs {
	if l == nil {
		return Needs{}
	}
	if n := l.even.Load(); n != nil {
		return *n
	}
	return Needs{}
}

// Need is what one stage takes with that chance.
func (l *Live) Need(s event.Stage, chance float64) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stages[s].Quantile(chance)
}

// AnswerBy is when the answer of a model must be there, so that the prediction is
// published by the deadline. A zero deadline stays zero.
func (l *Live) AnswerBy(deadline time.Time) time.Time {
	if l == nil || deadline.IsZero() {
		return deadline
	}
	if n := l.even.Load(); n != nil {
		return deadline.Add(-n[event.StagePublish])
	}
	return deadline
}
