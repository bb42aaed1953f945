package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// With exactly_once every ending goes through one transaction after the other:
//
//	put ──▶ pending ──▶ written in the open transaction ──▶ committed with offsets
//	           ▲              │ aborted
//	           └── no room ───┴──▶ written again in the next
//
// The first ending opens one; it is closed after config.Transaction, with 1,000
// endings, or at once while partitions are given up. An event holds its lane
// until its ending is written. The offsets it commits are those of whatever has
// finished; what is finished above the lowest unfinished one is in their note, and
// an ending for which the note has no room waits, its partition paused, until
// there is. An aborted transaction is written again as it was, without asking
// the model, except what belongs to others by now. So is one in which something too
// large for its topic would come behind later endings of its key (large.go).

// maxEndings bounds one transaction.
const maxEndings = 1000

// Between two tries after a failure.
const (
	transactionPauseMin = 50 * time.Millisecond
	transactionPauseMax = time.Second
)

// heldBack is an ending on its way through a transaction.
type heldBack struct {
	it     *item
	ending event.Ending
	lane   *lane // goes on once the ending is written; nil: it has gone on
}

// transactor writes endings in transactions; one goroutine runs it.
type transactor struct {
	p       *Processor
	sink    Transactions
	arrived chan struct{} // something is pending, or there is hurry

	// guarded by Processor.mu
	pending []*heldBack
	paused  map[*partition]bool // no room for an ending; true: the member knows
	hurried int                 // partitions are being given up
	ended   bool                // nothing is written any more
}

func newTransactor(p *Processor, sink Transactions) *transactor {
	return &transactor{p: p, sink: sink, arrived: make(chan struct{}, 1), paused: map[*partition]bool{}}
}

// fence takes the place of a process before, however long brokers are away, unless
// ctx ends.
func (t *transactor) fence(ctx context.Context) error {
	for pause := transactionPauseMin; ; pause = min(2*pause, transactionPauseMax) {
		err := t.sink.Fence(ctx)
		if err == nil || hopeless(err) {
			return err
		}
		if !sleep(ctx, pause) {
			return nil
		}
		t.p.deps.Log.Warn("transactions cannot begin yet", "error", err)
	}
}

// hopeless says that this worker must not, or may not, write.
func hopeless(err error) bool {
	return errors.Is(err, kafka.ErrFenced) || errors.Is(err, kafka.ErrRefused)
}

// sleep waits, and says no when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// put hands an ending over.
func (t *transactor) put(it *item, ending event.Ending, l *lane) {
	p := t.p
	p.carry(it, ending.Value)
	p.mu.Lock()
	defer p.mu.Unlock()
	h := &heldBack{it: it, ending: ending, lane: l}
	if t.ended {
		t.drop(h)
		return
	}
	t.pending = append(t.pending, h)
	t.wake()
}

// hurry closes transactions at once until it is taken back.
func (t *transactor) hurry(n int) {
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	t.hurried += n
	t.wake()
}

func (t *transactor) wake() {
	select {
	case t.arrived <- struct{}{}:
	default:
	}
}

// drop gives an ending back that will not be written by this worker. p.mu is held.
func (t *transactor) drop(h *heldBack) {
	l := h.lane
	h.lane = nil
	if l != nil {
		t.p.dropWaiting(l)
		t.p.leave(l)
	}
	t.p.giveBack(h.it)
}

// run writes transactions until ctx ends or this worker may not write any more.
func (t *transactor) run(ctx context.Context) {
	defer t.end()
	pause := transactionPauseMin
	for {
		again, err := t.transact(ctx)
		for err != nil {
			t.p.meter.aborted.Inc()
			if hopeless(err) {
				t.drain(again)
				t.p.fail(fmt.Errorf("exactly_once: %w", err))
				return
			}
			t.p.deps.Log.Warn("a transaction is aborted", "endings_written_again", len(again), "error", err)
			if !sleep(ctx, pause) {
				t.drain(again)
				return
			}
			pause = min(2*pause, transactionPauseMax)
			again, err = t.write(ctx, again)
		}
		pause = transactionPauseMin
		if ctx.Err() != nil {
			return
		}
	}
}

// transact waits for endings and writes them in one transaction.
func (t *transactor) transact(ctx context.Context) ([]*heldBack, error) {
	tick := time.NewTicker(commitEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, nil
		case <-t.arrived:
			if some := t.take(maxEndings); len(some) > 0 {
				return t.write(ctx, some)
			}
		case <-tick.C: // what was finished before this worker came
			t.p.commit(ctx, t.p.held)
		}
	}
}

// take takes pending endings into the transaction, at most so many: those of
// partitions still owned, of which the note has room for.
func (t *transactor) take(most int) []*heldBack {
	p := t.p
	p.mu.Lock()
	var taken []*heldBack
	for before := -1; len(t.pending) > 0 && len(taken) < most && len(taken) > before; {
		before = len(taken) // what was taken may have made room
		taken = t.pick(taken, most)
	}
	if len(taken) == most && len(t.pending) > 0 {
		t.wake()
	}
	full, free := t.pauses()
	p.dispatch() // fewer predictions may wait for the brokers now
	p.mu.Unlock()
	for _, part := range free {
		p.member.Resume(part.id)
	}
	for _, part := range full {
		p.member.Pause(part.id)
		p.deps.Log.Warn("a partition is paused: so much has finished above its lowest unfinished event that the note of the commit has no room for more",
			"topic", part.id.Topic, "partition", part.id.Number)
	}
	return taken
}

// pick goes through what is pending once. p.mu is held.
func (t *transactor) pick(taken []*heldBack, most int) []*heldBack {
	var left []*heldBack
	for _, h := range t.pending {
		part := h.it.part
		switch {
		case part.ctx.Err() != nil:
			t.drop(h)
		case len(taken) == most:
			left = append(left, h)
		case part.hasRoom(h.it.seq):
			t.mark(h)
			taken = append(taken, h)
		case part.gone: // the next owner does it again: nothing of it is written
			t.drop(h)
		default:
			t.p.carry(h.it, nil) // else the attempt that makes room may have to wait for it
			left = append(left, h)
			t.paused[part] = t.paused[part] || false
		}
	}
	t.pending = left
	return taken
}

// hasRoom says whether the note has room for one more offset. Once it has not,
// only the lowest unfinished one is taken until that has moved.
func (part *partition) hasRoom(seq int64) bool {
	lowest := part.offsets.first
	if seq == lowest {
		return true
	}
	if part.full != lowest+1 && part.offsets.fits(seq) {
		return true
	}
	part.full = lowest + 1
	return false
}

// pauses tells which partitions are to be paused, and which go on. p.mu is held.
func (t *transactor) pauses() (full, free []*partition) {
	if len(t.paused) == 0 {
		return nil, nil
	}
	waits := map[*partition]bool{}
	for _, h := range t.pending {
		waits[h.it.part] = true
	}
	for part, known := range t.paused {
		switch {
		case part.gone || !waits[part]:
			delete(t.paused, part)
			if known {
				free = append(free, part)
			}
		case !known:
			t.paused[part] = true
			full = append(full, part)
		}
	}
	return full, free
}

// mark counts the offset of an ending as finished, for the transaction alone.
// p.mu is held.
func (t *transactor) mark(h *heldBack) {
	h.it.part.open++
	t.p.done(h.it)
}

// drain gives up endings that are not written; whoever owns their partitions
// reads them again.
func (t *transactor) drain(again []*heldBack) {
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	for _, h := range again {
		t.drop(h)
	}
}

// over says that nothing is written any more; t may be nil. Processor.mu is held.
func (t *transactor) over() bool { return t != nil && t.ended }

// end gives up what is pending and whatever comes.
func (t *transactor) end() {
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	t.ended = true
	t.p.room.Broadcast()
	for _, h := range t.pending {
		t.drop(h)
	}
	t.pending = nil
}
