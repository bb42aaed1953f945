package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// book is a cluster's transactions: what is written is seen when it commits.
type book struct {
	*cluster
	faults sync.Mutex
	commit func(try int) (applied bool, err error) // what goes wrong; nil: nothing
	tries  int
	open   []*kafka.Record
	begun  bool
	sizes  []int // of committed transactions
	aborts int
	fenced bool
	away   error // of brokers that do not answer a worker that begins
	out    bool  // another has its place
}

// fence puts a worker out of its place.
func (b *book) fence() {
	b.faults.Lock()
	defer b.faults.Unlock()
	b.out = true
}

func (b *book) Fence(context.Context) error { b.fenced = true; return b.away }

func (b *book) Begin(context.Context) error {
	b.faults.Lock()
	defer b.faults.Unlock()
	if b.begun {
		return errors.New("a transaction is open")
	}
	b.begun = true
	return nil
}

func (b *book) Write(r *kafka.Record, done func(event.Source, error)) {
	b.mu.Lock()
	refuse := b.refuse
	b.mu.Unlock()
	b.faults.Lock()
	defer b.faults.Unlock()
	err := error(nil)
	offset := int64(0) // of its topic, transactions that were aborted not counted
	b.mu.Lock()
	for _, one := range append(slices.Clone(b.records), b.open...) {
		if one.Topic == r.Topic && one.Partition == r.Partition {
			offset++
		}
	}
	b.mu.Unlock()
	switch {
	case !b.begun:
		err = errors.New("no transaction is open")
	case refuse != nil:
		err = refuse(r)
	}
	if err == nil {
		b.open = append(b.open, r)
	}
	done(event.Source{Topic: r.Topic, Partition: r.Partition, Offset: offset}, err)
}

func (b *book) Commit(_ context.Context, _ kafka.Seat, next map[kafka.Partition]int64, notes map[kafka.Partition]string) error {
	b.faults.Lock()
	defer b.faults.Unlock()
	if b.out {
		return kafka.ErrFenced
	}
	if !b.begun || len(b.open) == 0 {
		return errors.New("no transaction is open, or it is empty")
	}
	var err error
	applied := true
	if b.commit != nil {
		b.tries++
		applied, err = b.commit(b.tries)
	}
	if applied {
		b.sizes = append(b.sizes, len(b.open))
		b.mu.Lock()
		b.records = append(b.records, b.open...)
		b.cluster.commit(next, notes)
		b.mu.Unlock()
		b.begun, b.open = false, nil
	}
	return err
}

func (b *book) Abort(context.Context) error {
	b.faults.Lock()
	defer b.faults.Unlock()
	b.begun, b.open = false, nil
	b.aborts++
	return nil
}

// closed gives the sizes of committed transactions.
func (b *book) closed() []int {
	b.faults.Lock()
	defer b.faults.Unlock()
	return slices.Clone(b.sizes)
}

// exactly makes a processor write into a book.
func exactly(b *book) func(*Config, *Deps) {
	return func(config *Config, deps *Deps) {
		config.Guarantee, deps.Sink, deps.Transactions = exactlyOnce, nil, b
	}
}

// heldBy says what a processor that has ended still holds.
func heldBy(p *Processor) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.queued == 0 && p.bytes == 0 && p.tracked == 0 && len(p.lanes) == 0 && p.unsent.Load() == 0 {
		return ""
	}
	return fmt.Sprintf("still held: %d events, %d bytes, %d offsets, %d lanes, %d bytes unsent", p.queued, p.bytes, p.tracked, len(p.lanes), p.unsent.Load())
}
