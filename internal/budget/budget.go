package budget

import "time"

// Budget is the time an event may take from the start of its clock to its
// prediction, as the objective says.
type Budget struct {
	Latency time.Duration
}

// Deadline is the absolute end of the budget of an event whose clock began then.
func (b Budget) Deadline(began time.Time) time.Time { return began.Add(b.Latency) }

// Slack is what is left of an event's time after what is still expected of it.
// It is negative when the event cannot be in time.
func Slack(deadline, now time.Time, rest time.Duration) time.Duration {
	return deadline.Sub(now) - rest
}

// Bounds of one call to a model. A late event is still predicted under
// `late: predict`, so a call gets at least MinCall even when nothing is left;
// no platform lets a call take longer than MaxCall.
const (
	MinCall = 5 * time.Second
	MaxCall = 60 * time.Second
)

// Call is how long one attempt at a model may take: what is left until the
// deadline, within MinCall and MaxCall.
func Call(deadline, now time.Time) time.Duration {
	if deadline.IsZero() {
		return MaxCall
	}
	return min(max(deadline.Sub(now), MinCall), MaxCall)
}
