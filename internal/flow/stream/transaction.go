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
		if err == nil {
			if h.ending.Place == event.Parked {
				p.parked(h.it, at.Offset)
			}
			return
		}
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
			p.stop(h.it.part, fmt.Errorf("write to %s: %w", record.Topic, err))
			x.fail(fmt.Errorf("write to %s: %v", record.Topic, err)) // the other partitions go on
		default:
			x.fail(fmt.Errorf("write to %s: %w", record.Topic, err))
		}
	})
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

// errLost says that a partition has gone to another worker.
var errLost = errors.New("a partition of it was lost")

// seatTries bounds how often a group that rebalances is asked to take offsets.
const seatTries = 20

// commit commits with offsets. One commit at a time, as Processor.commit.
func (x *transaction) commit(ctx context.Context) error {
	p := x.t.p
	select {
	case p.committing <- struct{}{}:
		defer func() { <-p.committing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for try := 1; ; try++ {
		seat := p.member.Seat() // before looking at what is owned: it is refused once that has changed
		next, notes, err := x.due()
		if err != nil {
			return err
		}
		if x.open {
			err = x.t.sink.Commit(ctx, seat, next, notes)
		} else {
			err = p.member.CommitNoted(ctx, next, notes)
		}
		if errors.Is(err, kafka.ErrUnsure) && !hopeless(err) {
			return x.settled(ctx, err, next, notes)
		}
		if err == nil {
			x.committed(next, notes)
			return nil
		}
		if !errors.Is(err, kafka.ErrSeat) || try == seatTries || !sleep(ctx, transactionPauseMin) {
			return err
		}
	}
}

// due is what is to be committed of the partitions of the transaction.
func (x *transaction) due() (next map[kafka.Partition]int64, notes map[kafka.Partition]string, err error) {
	next, notes = map[kafka.Partition]int64{}, map[kafka.Partition]string{}
	x.t.p.mu.Lock()
	defer x.t.p.mu.Unlock()
	for _, h := range x.all {
		part := h.it.part
		if part.ctx.Err() != nil {
			return nil, nil, fmt.Errorf("partition %s: %w", part.id, errLost)
		}
		if _, known := next[part.id]; known {
			continue
		}
		note, whole := part.offsets.note()
		if !whole {
			return nil, nil, fmt.Errorf("partition %s: the note of its commit has no room for what is finished", part.id)
		}
		next[part.id], notes[part.id] = part.offsets.next, note
	}
	return next, notes, nil
}

// settled finds out what became of a commit without answer: aborted it is
// certain, and the group tells. While a partition is this worker's, nobody
// else commits it.
func (x *transaction) settled(ctx context.Context, unsure error, next map[kafka.Partition]int64, notes map[kafka.Partition]string) error {
	p := x.t.p
	p.deps.Log.Warn("the outcome of a transaction is asked for", "error", unsure)
	if err := x.abortSurely(ctx); err != nil {
		return err
	}
	parts := make([]kafka.Partition, 0, len(next))
	for id := range next {
		parts = append(parts, id)
	}
	commits, err := p.member.Commits(ctx, parts)
	for err != nil {
		p.deps.Log.Warn("the outcome of a transaction is not known yet", "error", err)
		if !sleep(ctx, transactionPauseMax) {
			return ctx.Err()
		}
		commits, err = p.member.Commits(ctx, parts)
	}
	p.mu.Lock()
	owned := map[kafka.Partition]bool{}
	for _, h := range x.all {
		owned[h.it.part.id] = h.it.part.ctx.Err() == nil
	}
	p.mu.Unlock()
	for id, c := range commits {
		if owned[id] && c.Next == next[id] && c.Note == notes[id] {
			x.committed(next, notes)
			return nil
		}
	}
	return unsure
}

// committed remembers what the group was told.
func (x *transaction) committed(next map[kafka.Partition]int64, notes map[kafka.Partition]string) {
	x.t.p.mu.Lock()
	defer x.t.p.mu.Unlock()
	for _, h := range x.all {
		part := h.it.part
		part.open--
		part.committed, part.noted = max(part.committed, next[part.id]), notes[part.id]
	}
}

// settle ends the events of a committed transaction.
func (x *transaction) settle() {
	p := x.t.p
	for _, h := range x.all {
		p.tell(h.it.event, h.ending.Place)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range x.all {
		p.giveBack(h.it)
	}
}

// abort makes sure that nothing is seen of a transaction that failed.
func (x *transaction) abort(ctx context.Context, why error) error {
	if !x.open {
		return why
	}
	if err := x.abortSurely(ctx); err != nil {
		return fmt.Errorf("%w; and then: %w", why, err)
	}
	failpoint.Reach("stream.transaction.aborted") // aborted, not written again
	return why
}

// abortSurely tries until it is done, this worker is fenced or ctx ends.
func (x *transaction) abortSurely(ctx context.Context) error {
	x.open = false
	for pause := transactionPauseMin; ; pause = min(2*pause, transactionPauseMax) {
		err := x.t.sink.Abort(ctx)
		if err == nil || hopeless(err) {
			return err
		}
		x.t.p.deps.Log.Warn("a transaction is not aborted yet", "error", err)
		if !sleep(ctx, pause) {
			return ctx.Err()
		}
	}
}

// keep returns what must be written again, and gives up what is another's.
func (x *transaction) keep() []*heldBack {
	p := x.t.p
	p.mu.Lock()
	defer p.mu.Unlock()
	var again []*heldBack
	for _, h := range x.all {
		if h.it.part.ctx.Err() != nil {
			x.t.drop(h)
			continue
		}
		again = append(again, h)
	}
	return again
}
