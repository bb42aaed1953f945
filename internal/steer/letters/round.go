package letters

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// maxUnanswered bounds the letters whose acknowledgement is waited for.
const maxUnanswered = 256

// patience is how long brokers may say nothing at all before a replay gives up:
// longer than a restart or an election takes.
const patience = 30 * time.Second

var errSilent = fmt.Errorf("the brokers have not answered for %s", patience)

// round is one replay, or one drop, on its way.
type round struct {
	box        *Box
	order      Order
	began      time.Time
	partitions map[int32]int64          // of the events topic
	pending    map[event.Source]*Letter // not begun; the goroutine of Replay has it
	slots      chan struct{}            // one each unanswered letter
	unanswered sync.WaitGroup

	mu      sync.Mutex
	result  Report
	answers int             // letters that are done with, whatever came of them
	into    map[int32]int64 // newest event written to each partition
	trouble error           // the brokers do not take records: begin no more
}

func newRound(b *Box, order Order) *round {
	r := &round{box: b, order: order, into: map[int32]int64{}, began: time.Now(), pending: make(map[event.Source]*Letter, len(order.Letters)), slots: make(chan struct{}, maxUnanswered)}
	for i := range order.Letters {
		r.pending[order.Letters[i].At] = &order.Letters[i]
	}
	r.result.Asked = len(order.Letters)
	return r
}

// begin is the first offset to read of each partition: its end where there is
// nothing to replay.
func (r *round) begin(topic string, end map[int32]int64) map[kafka.Partition]int64 {
	next := make(map[kafka.Partition]int64, len(end))
	for n, offset := range end {
		next[kafka.Partition{Topic: topic, Number: n}] = offset
	}
	for at := range r.pending {
		p := kafka.Partition{Topic: topic, Number: at.Partition}
		next[p] = min(next[p], at.Offset)
	}
	return next
}

// take waits for a slot; with the brokers' trouble there is none.
func (r *round) take(ctx context.Context) error {
	silent := time.NewTimer(patience)
	defer silent.Stop()
	select {
	case r.slots <- struct{}{}:
	case <-silent.C:
		return errSilent
	case <-ctx.Done():
		return ctx.Err()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.trouble != nil {
		<-r.slots
		return errStopped
	}
	r.unanswered.Add(1)
	return nil
}

// errStopped says that no more is begun; settle has the reason.
var errStopped = errors.New("stopped before the rest")

// failed keeps why a letter stays open. What is its own fault stops nobody else.
func (r *round) failed(l *Letter, err error, own bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.Failures = append(r.result.Failures, Failure{l.ID, l.At.String(), err.Error()})
	if !own {
		r.trouble = err
	}
	r.answered()
}

// wrote notes where an event went.
func (r *round) wrote(into event.Source) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.into[into.Partition] = max(r.into[into.Partition], into.Offset)
}

func (r *round) written() map[int32]int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.into)
}

// note writes what was done about a letter, for each of its records; it counts
// when all are written.
func (r *round) note(l *Letter, h Handled) {
	h.At, h.ID, h.Recorded = time.Now().UTC(), l.ID, l.Recorded.UnixMilli()
	records := l.records()
	left := len(records)
	var trouble error
	for _, at := range records {
		r.box.deps.Sink.Write(r.box.note(at, h), func(_ event.Source, err error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			trouble = errors.Join(trouble, err)
			if left--; left == 0 {
				r.noted(trouble)
			}
		})
	}
}

// noted counts a letter whose notes are answered. r.mu is held.
func (r *round) noted(err error) {
	if err != nil {
		r.result.Unnoted++
		r.trouble = fmt.Errorf("note what was done: %w", err)
	} else {
		r.result.Done++
	}
	r.answered()
}

// answered gives a slot back and tells how far it is. r.mu is held.
func (r *round) answered() {
	<-r.slots
	r.answers++
	r.unanswered.Done()
	if r.order.Progress == nil {
		return
	}
	done := r.result.Done + len(r.result.Failures) + r.result.Unnoted
	left := time.Since(r.began) / time.Duration(max(done, 1)) * time.Duration(r.result.Asked-done)
	r.order.Progress(Progress{done, r.result.Asked, left})
}

// settle waits until all that was sent is answered, as long as answers come.
func (r *round) settle() error {
	answered := make(chan struct{})
	go func() {
		r.unanswered.Wait()
		close(answered)
	}()
	for before := r.answerCount(); ; {
		select {
		case <-answered:
			r.mu.Lock()
			defer r.mu.Unlock()
			return r.trouble
		case <-time.After(patience):
			now := r.answerCount()
			if now == before {
				return errSilent
			}
			before = now
		}
	}
}

func (r *round) answerCount() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.answers
}

// report is the result. With all of the topic read, what was not met is gone.
func (r *round) report(complete bool) Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	for at, l := range r.pending {
		if complete {
			r.result.Failures = append(r.result.Failures, Failure{l.ID, at.String(), errGone.Error()})
		}
	}
	return r.result
}
