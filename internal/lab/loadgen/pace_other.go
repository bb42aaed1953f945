//go:build !linux

package loadgen

import (
	"context"
	"time"
)

// newPacer makes a Pacer of Go's timers; the generator lag shows how fine it is.
func newPacer() (pace Pacer, free func()) {
	return func(ctx context.Context, until time.Time) { coarse(ctx, time.Until(until)) }, func() {}
}
