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
