package app

import (
	"context"

	"betimes/internal/lifecycle"
)

// crew are the workers of one process: when one is told to stop, all are, so
// that they drain at the same time, within one shutdown_timeout.
type crew struct {
	ctx  context.Context
	stop context.CancelFunc
}

func newCrew() *crew {
	ctx, stop := context.WithCancel(context.Background())
	return &crew{ctx, stop}
}

// member makes a runner one of the crew.
func (c *crew) member(r lifecycle.Runner) lifecycle.Runner {
	return lifecycle.Func(func(ctx context.Context) error {
		defer context.AfterFunc(ctx, c.stop)()
		if err := r.Run(c.ctx); err != nil {
			return err
		}
		<-ctx.Done() // its own turn to be stopped comes
		return nil
	})
}
