package kafka

import (
	"context"
	"sync/atomic"
	"time"
)

// patience hands out contexts that end deliveryTimeout from now, give or take a
// second: one serves all records of that second, so that a record costs neither
// a timer nor an allocation. The library's own timeout counts from a record's
// timestamp, which may be old.
//
// An endless one never gives a record up.
type patience struct {
	endless bool
	current atomic.Pointer[lease]
}

type lease struct {
	ctx    context.Context
	cancel context.CancelFunc // only for Close; a lease ends by its deadline
	made   time.Time
}

const leaseTime = time.Second

func (p *patience) context() context.Context {
	if p.endless {
		return context.Background()
	}
	now := time.Now()
	old := p.current.Load()
	if old != nil && now.Sub(old.made) < leaseTime {
		return old.ctx
	}
	ctx, cancel := context.WithDeadline(context.Background(), now.Add(deliveryTimeout+leaseTime))
	if p.current.CompareAndSwap(old, &lease{ctx, cancel, now}) {
		return ctx
	}
	cancel() // another goroutine was quicker
	return p.current.Load().ctx
}
