package admit

import "time"

// urgency knows which priorities came lately. An event keeps time in reserve for those
// above it: the highest that came needs none.
type urgency struct {
	seen [priorities]time.Time
}

const (
	priorities = 10
	lately     = 10 * time.Second
	mostSpare  = 0.8 // of the time to spare that the lowest keeps beside the highest
)

// reserve notes a priority and tells how much of the time to spare one of it leaves
// to those above.
func (u *urgency) reserve(priority int, spare time.Duration, now time.Time) time.Duration {
	priority = min(max(priority, 0), priorities-1)
	u.seen[priority] = now
	for above := priorities - 1; above > priority; above-- {
		if at := u.seen[above]; !at.IsZero() && now.Sub(at) < lately {
			return max(time.Duration(mostSpare*float64(spare)*float64(above-priority)/(priorities-1)), 0)
		}
	}
	return 0
}
