package app

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/lifecycle"
)

func TestWorkersDrainAtTheSameTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g lifecycle.Group
		all := newCrew()
		for _, name := range []string{"stream-0", "stream-1", "stream-2"} {
			g.Add(name, all.member(lifecycle.Func(func(ctx context.Context) error {
				<-ctx.Done()
				time.Sleep(25 * time.Second) // a drain as long as it may be
				return nil
			})))
		}
		ctx, stop := context.WithCancel(t.Context())
		began := time.Now()
		if err := g.Run(ctx, stop); err != nil || time.Since(began) != 25*time.Second {
			t.Errorf("stopped after %s: %v", time.Since(began), err)
		}
	})
}
