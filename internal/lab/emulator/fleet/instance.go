package fleet

import (
	"cmp"
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// Instance is one machine of a variant: a container, its worker slots and the
// queue before them.
type Instance struct {
	Number int // from 1 within its variant

	outstanding atomic.Int64
	current     atomic.Pointer[running] // nil: out of rotation
	stop        context.CancelFunc
}

// running is a container that passed its health check.
type running struct {
	container Container
	slots     chan struct{} // one token per free worker; nil: the container queues
}

// Timing says where an invocation was: in the queue, on a worker.
type Timing struct {
	Queue, Compute time.Duration
}

// ErrNotReady says that the instance has no healthy container.
var ErrNotReady = errors.New("no healthy container")

// Ready says whether the instance is in rotation.
func (i *Instance) Ready() bool { return i.current.Load() != nil }

// Outstanding is how many calls wait or run.
func (i *Instance) Outstanding() int64 { return i.outstanding.Load() }

// Extra makes a call slower while it holds its worker; nil for none.
type Extra func(ctx context.Context, took time.Duration) error

// Invoke waits for a worker and runs the call on it.
func (i *Instance) Invoke(ctx context.Context, call *Call, extra Extra) (Answer, Timing, error) {
	i.outstanding.Add(1)
	defer i.outstanding.Add(-1)
	run := i.current.Load()
	if run == nil {
		return Answer{}, Timing{}, ErrNotReady
	}
	arrived := time.Now()
	began := arrived
	if run.slots != nil {
		err := run.take(ctx)
		if began = time.Now(); err != nil {
			return Answer{}, Timing{Queue: began.Sub(arrived)}, err
		}
		defer run.give()
	}
	answer, err := run.container.Invoke(ctx, call)
	compute := time.Since(began)
	if extra != nil && err == nil {
		err = extra(ctx, cmp.Or(answer.Scripted, compute))
		compute = time.Since(began)
	}
	if answer.Took > 0 && extra == nil {
		compute = min(compute, answer.Took)
	}
	return answer, Timing{began.Sub(arrived), compute}, err
}

// take waits for a free worker; waiting calls are served in order.
func (r *running) take(ctx context.Context) error {
	select {
	case <-r.slots:
		return nil
	default:
	}
	select {
	case <-r.slots:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *running) give() { r.slots <- struct{}{} }

// enter puts a healthy container into rotation.
func (i *Instance) enter(c Container) {
	run := &running{container: c}
	if n := c.Workers(); n > 0 {
		run.slots = make(chan struct{}, n)
		for range n {
			run.slots <- struct{}{}
		}
	}
	i.current.Store(run)
}

// Stop takes the instance out of rotation and ends its container; calls that
// run get the container's grace.
func (i *Instance) Stop() {
	i.current.Store(nil)
	i.stop()
}
