package stream

import (
	"context"
	"errors"
	"fmt"

	"betimes/internal/failpoint"
	"betimes/internal/kafka"
)

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
