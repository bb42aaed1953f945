// Package lifecycletest holds the exercise that every lifecycle.Runner must pass,
// and the check that no goroutine outlives the tests of a package.
//
// Upstream: tests of what starts goroutines. Downstream: nothing.
//
// Invariants: only tests import it.
package lifecycletest

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"betimes/internal/lifecycle"
)

// patience is how long a room may take to stop; a good one needs a fraction.
const patience = 30 * time.Second

// Stress starts and stops rooms that newRunner makes, some before they have
// done anything: each must stop without an error.
func Stress(t *testing.T, rounds int, newRunner func() lifecycle.Runner) {
	t.Helper()
	for range rounds {
		ctx, cancel := context.WithTimeout(t.Context(), rand.N(3*time.Millisecond))
		ended := make(chan error, 1)
		runner := newRunner()
		go func() { ended <- runner.Run(ctx) }()
		select {
		case err := <-ended:
			if err != nil && ctx.Err() == nil {
				t.Errorf("ended by itself: %v", err)
			} else if err != nil {
				t.Errorf("stopped with %v", err)
			}
		case <-time.After(patience):
			t.Fatal("does not stop")
		}
		cancel()
	}
}
