package stream

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

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
		ended(t, stop)
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
		ended(t, stop)
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
				ended(t, stop)
				if held := heldBy(p); held != "" {
					t.Error(held)
				}
			})
		})
	}
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
		ended(t, stop)
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
		ended(t, stop)
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

func TestAPredictionTooLargeForItsTopicIsADeadLetterOfTheSameTransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{cluster: newCluster()}
		b.tooLarge(func(r *kafka.Record) bool { return r.Topic == "predictions" && string(r.Value) == "large" })
		_, stop := running(t, b.cluster, predict, exactly(b))
		b.send(0, "k", "large")
		b.send(0, "k", "small")
		time.Sleep(time.Second)
		if got := b.written(); len(got) != 2 || !slices.Contains(got, "dead-letters large") || b.committed(0) != 2 || len(b.closed()) != 1 {
			t.Errorf("written %v in transactions of %v, committed %d", got, b.closed(), b.committed(0))
		}
		ended(t, stop)
	})
}
