package stream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"betimes/internal/event"
	"betimes/internal/failpoint"
	"betimes/internal/kafka"
)

// transaction is one of them, from its first ending to its outcome.
type transaction struct {
	t    *transactor
	all  []*heldBack
	open bool          // a record was written
	bad  chan struct{} // closed with the first record that failed

	mu    sync.Mutex
	err   error       // of a record
	large []*heldBack // refused for their size, and to be written otherwise
}

// write writes endings, and what comes until it is closed, in one transaction.
// With an error it returns those that must be written again.
func (t *transactor) write(ctx context.Context, some []*heldBack) ([]*heldBack, error) {
	x := &transaction{t: t, bad: make(chan struct{})}
	began := time.Now()
	err := x.add(ctx, some)
	if err == nil {
		err = x.collect(ctx)
	}
	if err == nil {
		err = x.close(ctx)
	}
	if err != nil && ctx.Err() == nil && !hopeless(err) {
		err = x.abort(ctx, err)
	}
	if err != nil {
		return x.keep(), err
	}
	t.p.meter.committed.Inc()
	t.p.meter.transactions.Observe(time.Since(began).Seconds())
	return nil, nil
}

// add writes endings; their lanes go on.
func (x *transaction) add(ctx context.Context, some []*heldBack) error {
	x.all = append(x.all, some...)
	for _, h := range some {
		if h.ending.Place != event.Duplicate {
			if err := x.begin(ctx); err != nil {
				return err
			}
			x.record(h)
		}
		if h.lane != nil {
			x.t.p.next(h.lane)
			h.lane = nil
		}
	}
	return nil
}

// begin opens the transaction with its first record.
func (x *transaction) begin(ctx context.Context) error {
	if x.open {
		return nil
	}
	if err := x.t.sink.Begin(ctx); err != nil {
		return err
	}
	x.open = true
	failpoint.Reach("stream.transaction.begun") // open, nothing written in it
	return nil
}

// record hands the record of an ending over.
func (x *transaction) record(h *heldBack) {
	p := x.t.p
	p.carry(h.it, h.ending.Value)
	record := p.record(h.it, h.ending)
	x.t.sink.Write(record, func(at event.Source, err error) {
		switch {
		case err != nil:
			x.refused(h, record.Topic, err)
		case h.ending.Place == event.Parked:
			p.parked(h.it, at.Offset)
		}
	})
}

// refused deals with a record that was not written: it is written otherwise, or
// the transaction fails.
func (x *transaction) refused(h *heldBack, topic string, err error) {
	p := x.t.p
	x.mu.Lock()
	defer x.mu.Unlock()
	switch tooLarge := errors.Is(err, kafka.ErrTooLarge); {
	case tooLarge && h.ending.Place == event.Predicted && p.config.then(event.ReasonTooLarge) != thenHalt:
		h.ending = event.Fail(event.ReasonTooLarge, event.StagePublish, err)
		x.large = append(x.large, h)
	case tooLarge && h.ending.Place != event.Predicted && !h.it.bare:
		h.it.bare = true
		x.large = append(x.large, h)
	case tooLarge, errors.Is(err, kafka.ErrRefused):
		p.stop(h.it.part, fmt.Errorf("write to %s: %w", topic, err))
		x.fail(fmt.Errorf("write to %s: %v", topic, err)) // the other partitions go on
	default:
		x.fail(fmt.Errorf("write to %s: %w", topic, err))
	}
}

// fail keeps the first error of a record. x.mu is held.
func (x *transaction) fail(err error) {
	if x.err == nil {
		x.err = err
		close(x.bad)
	}
}

// collect adds what comes until it is time to close.
func (x *transaction) collect(ctx context.Context) error {
	timer := time.NewTimer(x.t.p.config.Transaction)
	defer timer.Stop()
	for len(x.all) < maxEndings && !x.t.hurriedNow() {
		select {
		case <-x.t.arrived:
			if err := x.add(ctx, x.t.take(maxEndings-len(x.all))); err != nil {
				return err
			}
		case <-timer.C:
			return nil
		case <-x.bad:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (t *transactor) hurriedNow() bool {
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	return t.hurried > 0
}

// close commits what was written, once every record is acknowledged.
func (x *transaction) close(ctx context.Context) error {
	failpoint.Reach("stream.transaction.written") // written, not all acknowledged
	for {
		if err := x.t.sink.Flush(ctx); err != nil {
			return err
		}
		x.mu.Lock()
		err, large := x.err, x.large
		x.large = nil
		x.mu.Unlock()
		if err != nil {
			return err
		}
		if len(large) == 0 {
			break
		}
		if err := x.rewrite(large); err != nil {
			return err
		}
	}
	failpoint.Reach("stream.transaction.flushed") // all acknowledged, offsets not in the transaction
	if err := x.commit(ctx); err != nil {
		return err
	}
	failpoint.Reach("stream.transaction.committed") // committed, not counted
	x.settle()
	return nil
}
