package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
	"betimes/internal/setting"
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

func TestEndingsAndOffsetsAreSeenTogetherAfterTheTimeOfATransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{cluster: newCluster()}
		_, stop := running(t, b.cluster, func(ctx context.Context, e *event.Event) event.Ending {
			switch string(e.Value) {
			case "bad":
				return event.Fail(event.ReasonModelInput, event.StageModel, errModel)
			case "late":
				return event.Ending{Place: event.Shed, Reason: event.ReasonModelInput}
			case "again":
				return event.Ending{Place: event.Duplicate}
			}
			return predict(ctx, e)
		}, exactly(b))
		synctest.Wait()
		for i, v := range []string{"good", "bad", "late", "again"} {
			b.send(0, num(i), v)
		}
		time.Sleep(49 * time.Millisecond)
		if got := b.written(); len(got) > 0 || b.committed(0) != 0 {
			t.Errorf("seen before the transaction closed: %v, committed %d", got, b.committed(0))
		}
		time.Sleep(2 * time.Millisecond)
		got := b.written()
		slices.Sort(got)
		if !slices.Equal(got, []string{"dead-letters bad", "predictions good", "shed late"}) || b.committed(0) != 4 || len(b.closed()) != 1 || !b.fenced {
			t.Errorf("written %v in transactions of %v, committed %d", got, b.closed(), b.committed(0))
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestATransactionClosesWithAThousandEndings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{cluster: newCluster()}
		for i := range 1500 {
			b.send(0, num(i), num(i))
		}
		_, stop := running(t, b.cluster, predict, exactly(b))
		synctest.Wait()
		if !slices.Equal(b.closed(), []int{1000}) {
			t.Errorf("transactions of %v endings at once, want one of 1000", b.closed())
		}
		time.Sleep(100 * time.Millisecond)
		if !slices.Equal(b.closed(), []int{1000, 500}) || b.committed(0) != 1500 {
			t.Errorf("transactions of %v endings, committed %d", b.closed(), b.committed(0))
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestWhatAnAbortedTransactionHeldIsWrittenAgainWithoutAskingTheModel(t *testing.T) {
	for name, tt := range map[string]struct {
		applied bool
		err     error
		aborts  int
	}{
		"the commit is refused":                             {false, errModel, 1},
		"the group rebalances for long":                     {false, kafka.ErrSeat, 0},
		"the answer to the commit is lost, it was not done": {false, kafka.ErrUnsure, 1},
		"the answer to the commit is lost, it was done":     {true, kafka.ErrUnsure, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &book{cluster: newCluster(), commit: func(try int) (bool, error) {
					if try == 1 {
						return tt.applied, fmt.Errorf("commit: %w", tt.err)
					}
					return true, nil
				}}
				var calls atomic.Int64
				p, stop := running(t, b.cluster, func(ctx context.Context, e *event.Event) event.Ending {
					calls.Add(1)
					return predict(ctx, e)
				}, exactly(b))
				for i := range 6 {
					b.send(int32(i%2), "k", num(i))
				}
				time.Sleep(3 * time.Second)
				got := b.written()
				for part := range 2 {
					var of []string
					for _, w := range got {
						if n := w[len(w)-1] - '0'; int(n)%2 == part {
							of = append(of, w)
						}
					}
					if !slices.IsSorted(of) || len(of) != 3 {
						t.Errorf("partition %d: written %v", part, of)
					}
				}
				if calls.Load() != 6 || b.aborts != tt.aborts || b.committed(0) != 3 || b.committed(1) != 3 {
					t.Errorf("%d calls, %d aborts, committed %d and %d", calls.Load(), b.aborts, b.committed(0), b.committed(1))
				}
				if err := stop(); err != nil {
					t.Error(err)
				}
				if held := heldBy(p); held != "" {
					t.Error(held)
				}
			})
		})
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

func TestEndingsOfALostPartitionAreNotWrittenWithThoseOfTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{cluster: newCluster()}
		_, stop := running(t, b.cluster, predict, exactly(b))
		synctest.Wait()
		b.send(0, "k", "lost")
		b.send(1, "k", "kept")
		time.Sleep(20 * time.Millisecond)
		synctest.Wait()
		lost, cancel := context.WithCancel(t.Context())
		cancel()
		b.hooks.Revoked(lost, []kafka.Partition{{Topic: "events", Number: 0}})
		time.Sleep(time.Second)
		// The transaction may have closed before the loss was known: then it held both.
		got := b.written()
		if slices.Contains(got, "predictions lost") != (b.committed(0) == 1) || !slices.Contains(got, "predictions kept") || b.committed(1) != 1 {
			t.Errorf("written %v, committed %d and %d", got, b.committed(0), b.committed(1))
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestPartitionsAreGivenUpOnceTheirTransactionIsCommitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{cluster: newCluster()}
		_, stop := running(t, b.cluster, func(ctx context.Context, e *event.Event) event.Ending {
			time.Sleep(200 * time.Millisecond)
			return predict(ctx, e)
		}, exactly(b), func(c *Config, _ *Deps) { c.Transaction = 5 * time.Second })
		for i := range 10 {
			b.send(0, num(i), num(i))
		}
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		began := time.Now()
		b.revoke(t.Context(), 0)
		if took := time.Since(began); len(b.written()) != 10 || b.committed(0) != 10 || took > 200*time.Millisecond {
			t.Errorf("given up after %s with %d written and %d committed", took, len(b.written()), b.committed(0))
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestAWorkerThatEndsCommitsWhatIsInWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{cluster: newCluster()}
		p, stop := running(t, b.cluster, func(ctx context.Context, e *event.Event) event.Ending {
			time.Sleep(200 * time.Millisecond)
			return predict(ctx, e)
		}, exactly(b))
		for i := range 10 {
			b.send(0, num(i), num(i))
		}
		time.Sleep(100 * time.Millisecond)
		if err := stop(); err != nil || len(b.written()) != 10 || b.committed(0) != 10 || !b.hasLeft() {
			t.Errorf("%v, written %d, committed %d", err, len(b.written()), b.committed(0))
		}
		if held := heldBy(p); held != "" {
			t.Error(held)
		}
	})
}

func TestAFencedWorkerEndsAndSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{cluster: newCluster(), commit: func(int) (bool, error) {
			return false, fmt.Errorf("commit: %w", kafka.ErrFenced)
		}}
		_, stop := running(t, b.cluster, predict, exactly(b))
		for i := range 10 {
			b.send(0, num(i), num(i))
		}
		time.Sleep(time.Second)
		if !b.hasLeft() {
			t.Error("it goes on")
		}
		if err := stop(); !errors.Is(err, kafka.ErrFenced) || !strings.Contains(err.Error(), "another process") {
			t.Errorf("it ended with %v", err)
		}
		if len(b.written()) != 0 || b.committed(0) != 0 {
			t.Errorf("written %v, committed %d", b.written(), b.committed(0))
		}
	})
}

func TestAPredictionTooLargeForItsTopicIsADeadLetterOfTheSameTransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{cluster: newCluster()}
		b.refuse = func(r *kafka.Record) error {
			if r.Topic == "predictions" && string(r.Value) == "large" {
				return kafka.ErrTooLarge
			}
			return nil
		}
		_, stop := running(t, b.cluster, predict, exactly(b))
		b.send(0, "k", "large")
		b.send(0, "k", "small")
		time.Sleep(time.Second)
		if got := b.written(); len(got) != 2 || !slices.Contains(got, "dead-letters large") || b.committed(0) != 2 || len(b.closed()) != 1 {
			t.Errorf("written %v in transactions of %v, committed %d", got, b.closed(), b.committed(0))
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestATopicThatRefusesHaltsItsPartitionAndTheOthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{cluster: newCluster()}
		b.refuse = func(r *kafka.Record) error {
			if r.Partition == 0 {
				return kafka.ErrRefused
			}
			return nil
		}
		p, stop := running(t, b.cluster, predict, exactly(b))
		b.send(0, "k", "refused")
		b.send(1, "k", "fine")
		time.Sleep(time.Second)
		if got := b.written(); !slices.Equal(got, []string{"predictions fine"}) || b.committed(0) != 0 || b.committed(1) != 1 {
			t.Errorf("written %v, committed %d and %d", got, b.committed(0), b.committed(1))
		}
		if err := p.Ready(); err == nil || !strings.Contains(err.Error(), "events:0 is halted") {
			t.Errorf("ready says %v", err)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestWhatTheNoteHasNoRoomForIsNotCommittedAndItsPartitionWaits(t *testing.T) {
	const events = 4000
	synctest.Test(t, func(t *testing.T) {
		b := &book{cluster: newCluster()}
		release := make(chan struct{})
		for i := range events {
			b.send(0, num(i), num(i))
		}
		p, stop := running(t, b.cluster, func(ctx context.Context, e *event.Event) event.Ending {
			if e.Source.Partition == 0 && e.Source.Offset%2 == 0 { // every second one takes long: no two finished ones are neighbours
				<-release
			}
			return predict(ctx, e)
		}, exactly(b), func(c *Config, _ *Deps) { c.MaxQueued, c.Concurrency = 2*events, 2*events })
		b.send(1, "k", "elsewhere")
		time.Sleep(2 * time.Second)
		b.mu.Lock()
		id := kafka.Partition{Topic: "events"}
		note, paused, written := b.notes[id], b.paused[0], len(b.records)
		b.mu.Unlock()
		noted := readNote(note, 0)
		if len(note) > maxNoteBytes || !paused || written != len(noted)+1 || written < 1000 || written > events/2 || b.committed(1) != 1 {
			t.Errorf("note of %d bytes with %d stretches, paused %v, %d written, %d committed elsewhere, %v", len(note), len(noted), paused, written, b.committed(1), b.closed())
		}
		close(release)
		time.Sleep(2 * time.Second)
		b.mu.Lock()
		paused, written = b.paused[0], len(b.records)
		b.mu.Unlock()
		if paused || written != events+1 || b.committed(0) != events {
			t.Errorf("afterwards: paused %v, %d written, committed %d", paused, written, b.committed(0))
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		if held := heldBy(p); held != "" {
			t.Error(held)
		}
	})
}

func TestAParkedKeyWaitsAndFlowsAgainInTransactionsToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard()
		b := &book{cluster: y.cluster, commit: func(try int) (bool, error) {
			if try == 1 {
				return false, errModel // the letters are written a second time
			}
			return true, nil
		}}
		p, stop := running(t, y.cluster, func(ctx context.Context, e *event.Event) event.Ending {
			if string(e.Value) == "a1" {
				return event.Fail(event.ReasonModelInput, event.StageModel, errModel)
			}
			return predict(ctx, e)
		}, y.parks, exactly(b))
		for _, v := range []string{"x", "a1", "a2", "b1"} {
			y.send(0, v[:1], v)
		}
		time.Sleep(time.Second)
		got := y.written()
		slices.Sort(got)
		if !slices.Equal(got, []string{"parked a1", "parked a2", "predictions b1", "predictions x"}) || b.committed(0) != 4 {
			t.Errorf("written %v, committed %d", got, b.committed(0))
		}
		p.Dropped(0, 1)
		p.Expired(0, 1)
		y.send(0, "a", "a3")
		time.Sleep(time.Second)
		if got := y.written(); got[len(got)-1] != "predictions a3" || b.committed(0) != 5 {
			t.Errorf("after its letters were dropped or had expired: written %v, committed %d", got, b.committed(0))
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		if held := heldBy(p); held != "" {
			t.Error(held)
		}
	})
}

func TestALetterIsKnownByTheOffsetOfTheTransactionThatHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard()
		b := &book{cluster: y.cluster}
		p, stop := running(t, y.cluster, func(ctx context.Context, e *event.Event) event.Ending {
			if string(e.Value) == "a1" {
				return event.Fail(event.ReasonModelInput, event.StageModel, errModel)
			}
			return predict(ctx, e)
		}, y.parks, exactly(b))
		y.send(0, "a", "a1")
		y.send(0, "a", "a2")
		time.Sleep(time.Second)
		p.Expired(0, 1)
		y.send(0, "a", "a3") // behind a2
		time.Sleep(time.Second)
		if got := y.written(); !slices.Equal(got, []string{"parked a1", "parked a2", "parked a3"}) {
			t.Errorf("written %v", got)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestAnAttemptThatMakesRoomInTheNoteDoesNotWaitForWhatHasNone(t *testing.T) {
	const events = 4000
	synctest.Test(t, func(t *testing.T) {
		b := &book{cluster: newCluster()}
		b.commit = func(int) (bool, error) {
			time.Sleep(time.Second)
			return true, nil
		}
		for i := range events {
			b.send(0, num(i), num(i))
		}
		large := make(chan struct{})
		_, stop := running(t, b.cluster, func(ctx context.Context, e *event.Event) event.Ending {
			switch {
			case e.Source.Partition == 1 || e.Source.Offset%2 == 1:
				return predict(ctx, e)
			case e.Source.Offset > 0: // with no neighbour until then
				<-large
				return event.Ending{Place: event.Predicted, Value: make([]byte, 4096)}
			case e.Attempts == 1: // the lowest: it fails once, and makes room after all others
				return event.Ending{Place: event.Unfinished, Counted: true, After: 10500 * time.Millisecond, Err: errModel}
			}
			return predict(ctx, e)
		}, exactly(b), func(c *Config, _ *Deps) {
			c.MaxQueued, c.Concurrency, c.MaxQueuedBytes = 2*events, 2*events, 4*setting.MiB
		})
		time.Sleep(10 * time.Second)
		b.send(1, "k", "elsewhere") // its commit begins at 10.05 s and ends at 11.05 s
		time.Sleep(200 * time.Millisecond)
		close(large)
		time.Sleep(10 * time.Second)
		if b.committed(0) != events || b.committed(1) != 1 {
			t.Errorf("committed %d of %d, and %d elsewhere", b.committed(0), events, b.committed(1))
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestAFencedWorkerAsksNoModelAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{cluster: newCluster(), commit: func(int) (bool, error) { return false, kafka.ErrFenced }}
		_, stop := running(t, b.cluster, func(ctx context.Context, e *event.Event) event.Ending {
			time.Sleep(time.Duration(e.Source.Offset%100) * 10 * time.Millisecond)
			return predict(ctx, e)
		}, exactly(b))
		for i := range 1000 {
			b.send(0, num(i), num(i))
		}
		time.Sleep(2 * time.Second)
		if !b.hasLeft() {
			t.Error("it waits for endings that it may not write")
		}
		if err := stop(); !errors.Is(err, kafka.ErrFenced) {
			t.Errorf("it ended with %v", err)
		}
	})
}

func TestAWorkerThatIsAskedToEndBeforeBrokersAnswerEndsWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{cluster: newCluster(), away: errModel}
		_, stop := running(t, b.cluster, predict, exactly(b))
		time.Sleep(time.Minute)
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}
