package loadgen

import (
	"context"
	"time"
)

// Pacer waits until a moment, or less long when ctx ends.
type Pacer func(ctx context.Context, until time.Time)

// fineWait is how long before the moment the fine wait begins: twice the
// granularity of Go's own timers.
const fineWait = 2 * time.Millisecond

// coarse waits with a timer, which ctx can end.
func coarse(ctx context.Context, wait time.Duration) {
	if wait <= 0 {
		return
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
