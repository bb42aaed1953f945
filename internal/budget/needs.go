package budget

import (
	"time"

	"betimes/internal/event"
)

// Needs is what each stage takes.
type Needs [event.NumStages]time.Duration

// After is what the stages after one take together. Stages that not every event
// passes (async, retry, mirror) take nothing.
func (n *Needs) After(s event.Stage) time.Duration {
	var sum time.Duration
	for next := s + 1; next <= event.StagePublish; next++ {
		sum += n[next]
	}
	return sum
}

// Split shares what is left of an event's time among the stages after one: each gets
// what it needs and, of what is over, as much as its part of all needs; of too little
// each gets that part. Of nothing left nobody gets anything.
func (n *Needs) Split(left time.Duration, s event.Stage) Needs {
	var shares Needs
	rest := n.After(s)
	if left <= 0 || rest <= 0 {
		return shares
	}
	for next := s + 1; next <= event.StagePublish; next++ {
		shares[next] = time.Duration(float64(left) * float64(n[next]) / float64(rest))
	}
	return shares
}

// Slack is what an event has left when all that is to come takes what it needs; below
// zero it will be late.
func Slack(deadline, now time.Time, rest time.Duration) time.Duration {
	return deadline.Sub(now) - rest
}
