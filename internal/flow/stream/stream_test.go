package stream

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
	"betimes/internal/lifecycle"
	"betimes/internal/lifecycle/lifecycletest"
	"betimes/internal/pulse"
	"betimes/internal/setting"
)

func TestEventsOfOneKeyEndInOrderWhileOthersOvertake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		_, stop := running(t, c, func(ctx context.Context, e *event.Event) event.Ending {
			if string(e.Value) == "slow-1" {
				time.Sleep(time.Second)
			}
			return predict(ctx, e)
		})
		c.send(0, "slow", "slow-1")
		c.send(0, "slow", "slow-2")
		for i := range 5 {
			c.send(0, "quick"+num(i), "q"+num(i))
		}
		synctest.Wait()
		if got := c.written(); len(got) != 5 || slices.Contains(got, "predictions slow-2") {
			t.Errorf("before the slow one ended: %v", got)
		}
		time.Sleep(2 * time.Second)
		got := c.written()
		if slices.Index(got, "predictions slow-1") > slices.Index(got, "predictions slow-2") || len(got) != 7 {
			t.Errorf("after: %v", got)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestOffsetsAreCommittedOnlyBelowTheLowestUnfinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		release := make(chan struct{})
		_, stop := running(t, c, func(ctx context.Context, e *event.Event) event.Ending {
			if string(e.Value) == "2" {
				<-release
			}
			return predict(ctx, e)
		})
		for i := range 6 {
			c.send(0, "k"+num(i), num(i))
		}
		time.Sleep(time.Second)
		if got := c.committed(0); got != 2 {
			t.Errorf("committed %d while offset 2 is in work, want 2", got)
		}
		close(release)
		time.Sleep(time.Second)
		if got := c.committed(0); got != 6 {
			t.Errorf("committed %d, want 6", got)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestAnOffsetIsNotCommittedBeforeItsEndingIsAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		c.hold = true
		_, stop := running(t, c, predict, func(_ *Config, d *Deps) { d.Drain = time.Second })
		c.send(0, "k", "v")
		time.Sleep(time.Second)
		if got := c.committed(0); got != 0 {
			t.Errorf("committed %d", got)
		}
		c.mu.Lock()
		ack := c.held[0]
		c.mu.Unlock()
		ack()
		time.Sleep(time.Second)
		if got := c.committed(0); got != 1 {
			t.Errorf("committed %d after the acknowledgement, want 1", got)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestAFailingEventBecomesADeadLetterWithItsReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		calls := 0
		_, stop := running(t, c, func(ctx context.Context, e *event.Event) event.Ending {
			calls++
			e.Decisions.Add("balance", "retry", "model_fault")
			return event.Ending{Place: event.Unfinished, Counted: true, Reason: event.ReasonModelError, Stage: event.StageModel, Err: errModel}
		})
		c.send(1, "k", "payload", event.Header{Name: "ce-id", Value: []byte("7")}, event.Header{Name: event.HeaderID, Value: []byte("id-7")})
		time.Sleep(time.Minute)
		if err := stop(); err != nil {
			t.Error(err)
		}
		if len(c.records) != 1 || calls != 5 {
			t.Fatalf("%d records, %d attempts, want 1 and 5", len(c.records), calls)
		}
		r := c.records[0]
		want := map[string]string{
			event.HeaderID: "id-7", event.HeaderSource: "events:1:0", event.HeaderReason: "model_error",
			event.HeaderStage: "model", event.HeaderAttempts: "5", event.HeaderError: errModel.Error(), "ce-id": "7",
		}
		for name, value := range want {
			if got := headerOf(r, name); got != value {
				t.Errorf("header %s is %q, want %q", name, got, value)
			}
		}
		if r.Topic != "dead-letters" || string(r.Value) != "payload" || string(r.Key) != "k" || r.Partition != 1 {
			t.Errorf("record %+v", r)
		}
		if headerOf(r, event.HeaderFirstFailed) >= headerOf(r, event.HeaderLastFailed) {
			t.Error("first failure is not before the last")
		}
		if !strings.Contains(headerOf(r, event.HeaderDecisions), "balance:retry:model_fault") {
			t.Errorf("decisions %q", headerOf(r, event.HeaderDecisions))
		}
		if c.committed(1) != 1 {
			t.Errorf("committed %d", c.committed(1))
		}
	})
}

func TestAFaultOfTheEndpointIsWaitedOutAndUsesUpNoAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		began := time.Now()
		_, stop := running(t, c, func(ctx context.Context, e *event.Event) event.Ending {
			if time.Since(began) < 10*time.Minute {
				return event.Ending{Place: event.Unfinished, Err: errModel}
			}
			return predict(ctx, e)
		})
		c.send(0, "k", "v")
		time.Sleep(11 * time.Minute)
		if got := c.written(); !slices.Equal(got, []string{"predictions v"}) {
			t.Errorf("written %v", got)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestAWaitingEventHoldsNoSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		_, stop := running(t, c, func(ctx context.Context, e *event.Event) event.Ending {
			if string(e.Value) == "bad" {
				return event.Ending{Place: event.Unfinished, Err: errModel, After: time.Hour}
			}
			return predict(ctx, e)
		}, func(c *Config, _ *Deps) { c.Concurrency = 1 })
		c.send(0, "a", "bad")
		c.send(0, "b", "good")
		time.Sleep(time.Second)
		if got := c.written(); !slices.Equal(got, []string{"predictions good"}) {
			t.Errorf("written %v", got)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestTheTimeOfFailedAttemptsIsRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		var line event.Timeline
		_, stop := running(t, c, func(ctx context.Context, e *event.Event) event.Ending {
			time.Sleep(30 * time.Millisecond)
			e.Timeline.Mark(event.StageModel, time.Now())
			if e.Attempts == 1 {
				return event.Ending{Place: event.Unfinished, Counted: true, Err: errModel, After: 70 * time.Millisecond}
			}
			return predict(ctx, e)
		}, func(_ *Config, d *Deps) {
			d.Finished = func(e *event.Event, _ event.Place, _ time.Time) { line = e.Timeline }
		})
		c.send(0, "k", "v")
		time.Sleep(time.Second)
		synctest.Wait()
		retry, _ := line.Spent(event.StageRetry)
		model, _ := line.Spent(event.StageModel)
		if retry != 100*time.Millisecond || model != 30*time.Millisecond || line.Total() != 130*time.Millisecond {
			t.Errorf("retry %v, model %v, total %v", retry, model, line.Total())
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestConcurrencyAndWhatIsHeldAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		var mu sync.Mutex
		now, most := 0, 0
		p, stop := running(t, c, func(ctx context.Context, e *event.Event) event.Ending {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			time.Sleep(time.Millisecond)
			mu.Lock()
			now--
			mu.Unlock()
			return predict(ctx, e)
		}, func(c *Config, _ *Deps) { c.Concurrency, c.MaxQueued = 7, 50 })
		held := 0
		for i := range 500 {
			c.send(0, "k"+num(i), num(i))
			if i%20 == 0 {
				synctest.Wait()
				p.mu.Lock()
				held = max(held, p.queued)
				p.mu.Unlock()
			}
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if most != 7 || held > 70 || len(c.written()) != 500 {
			t.Errorf("at most %d at once (want 7), %d held (want ≤ 70), %d written (want 500)", most, held, len(c.written()))
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestARevokedPartitionIsFinishedCommittedAndReadOnByItsNextOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		_, stop := running(t, c, func(ctx context.Context, e *event.Event) event.Ending {
			time.Sleep(100 * time.Millisecond)
			return predict(ctx, e)
		})
		for i := range 3 {
			c.send(0, "same", num(i)) // one in work, two waiting behind it
		}
		synctest.Wait()
		c.revoke(t.Context(), 0)
		if got := c.committed(0); got != 1 {
			t.Errorf("committed %d at the hand-over, want 1: the one in work was finished", got)
		}
		time.Sleep(time.Second)
		if got := c.written(); !slices.Equal(got, []string{"predictions 0"}) {
			t.Errorf("written after the hand-over: %v", got)
		}
		c.assign(0)
		time.Sleep(time.Second)
		if got := c.written(); !slices.Equal(got, []string{"predictions 0", "predictions 1", "predictions 2"}) {
			t.Errorf("written after it came back: %v", got)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestAnEndingThatComesAfterTheHandOverIsNotWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		first := true
		_, stop := running(t, c, func(ctx context.Context, e *event.Event) event.Ending {
			if first {
				first = false
				time.Sleep(time.Minute) // a model that does not obey its context
			}
			return predict(ctx, e)
		})
		c.send(0, "k", "0")
		synctest.Wait()
		c.revoke(t.Context(), 0)
		c.assign(0)
		time.Sleep(2 * time.Minute)
		if got := c.written(); !slices.Equal(got, []string{"predictions 0"}) {
			t.Errorf("written %v", got)
		}
		if c.committed(0) != 1 {
			t.Errorf("committed %d", c.committed(0))
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestDrainFinishesWhatIsInWorkAndHandsBackTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		_, stop := running(t, c, func(ctx context.Context, e *event.Event) event.Ending {
			time.Sleep(time.Second)
			return predict(ctx, e)
		}, func(c *Config, _ *Deps) { c.Concurrency = 2 })
		for i := range 6 {
			c.send(0, "k"+num(i), num(i))
		}
		synctest.Wait()
		if err := stop(); err != nil {
			t.Error(err)
		}
		if len(c.written()) != 2 || c.committed(0) != 2 || !c.left {
			t.Errorf("written %v, committed %d, left %v", c.written(), c.committed(0), c.left)
		}
	})
}

func TestDrainLeavesNothingFinishedAboveAnUnfinishedEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		_, stop := running(t, c, func(ctx context.Context, e *event.Event) event.Ending {
			time.Sleep(time.Second)
			return predict(ctx, e)
		}, func(c *Config, _ *Deps) { c.Concurrency = 2 })
		for i, key := range []string{"a", "a", "b", "a", "c", "d", "e"} {
			c.send(0, key, num(i))
		}
		time.Sleep(1500 * time.Millisecond) // 0 and 2 are predicted; 4 and 5 are in work, 1 and 3 wait
		if err := stop(); err != nil {
			t.Error(err)
		}
		if got := len(c.written()); got != 6 || c.committed(0) != 6 {
			t.Errorf("written %v, committed %d; want the six up to the highest that had begun", c.written(), c.committed(0))
		}
	})
}

func TestDrainWaitsForNoModelThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		_, stop := running(t, c, func(_ context.Context, e *event.Event) event.Ending {
			return event.Ending{Place: event.Unfinished, Stage: event.StageNetwork, Err: errModel}
		})
		for i := range 20 {
			c.send(0, "k"+num(i%3), num(i))
		}
		time.Sleep(5 * time.Second)
		began := time.Now()
		if err := stop(); err != nil || time.Since(began) > 10*time.Second {
			t.Errorf("it took %s, %v", time.Since(began), err)
		}
		if c.committed(0) != 0 {
			t.Errorf("committed %d, nothing was predicted", c.committed(0))
		}
	})
}

func TestAPredictionTooLargeForItsTopicBecomesADeadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		c.refuse = func(r *kafka.Record) error {
			if r.Topic == "predictions" {
				return fmt.Errorf("write to topic predictions: %w", kafka.ErrTooLarge)
			}
			return nil
		}
		_, stop := running(t, c, predict)
		c.send(0, "k", "v")
		time.Sleep(time.Second)
		if got := c.written(); !slices.Equal(got, []string{"dead-letters v"}) || headerOf(c.records[0], event.HeaderReason) != "too_large" {
			t.Errorf("written %v", got)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestAPanicEndsItsEventAndNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		_, stop := running(t, c, func(ctx context.Context, e *event.Event) event.Ending {
			if string(e.Value) == "bad" {
				panic("out of cheese")
			}
			return predict(ctx, e)
		})
		c.send(0, "a", "bad")
		c.send(0, "b", "good")
		time.Sleep(time.Second)
		got := c.written()
		slices.Sort(got)
		if !slices.Equal(got, []string{"dead-letters bad", "predictions good"}) {
			t.Errorf("written %v", got)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func undecodable(_ context.Context, _ *event.Event) event.Ending {
	return event.Fail(event.ReasonUndecodable, event.StageFeature, errModel)
}

func TestATopicThatCannotBeReadPausesTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		p, stop := running(t, c, undecodable)
		for i := range 300 {
			c.send(0, "k"+num(i), "xml")
		}
		time.Sleep(time.Minute)
		if n := len(c.written()); n != 0 {
			t.Errorf("%d dead letters", n)
		}
		if err := p.Ready(); err == nil || !strings.Contains(err.Error(), "kafka.topics.events.value") {
			t.Errorf("ready says %v", err)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		if c.committed(0) != 0 {
			t.Errorf("committed %d", c.committed(0))
		}
	})
}

func TestAFewUndecodableEventsBecomeDeadLetters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		_, stop := running(t, c, func(ctx context.Context, e *event.Event) event.Ending {
			if string(e.Value) == "xml" {
				return undecodable(ctx, e)
			}
			return predict(ctx, e)
		})
		for i := range 3 {
			c.send(0, "k"+num(i), "xml")
		}
		time.Sleep(2 * time.Second)
		if n := len(c.written()); n != 3 {
			t.Errorf("%d dead letters, want 3", n)
		}
		c.send(0, "k", "json")
		time.Sleep(time.Millisecond)
		for i := range 200 {
			c.send(0, "k"+num(i), "xml")
		}
		time.Sleep(2 * time.Second)
		if n := len(c.written()); n != 204 {
			t.Errorf("%d written, want 204", n)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestAProcessorStopsWheneverItIsTold(t *testing.T) {
	lifecycletest.Stress(t, 50, func() lifecycle.Runner {
		c := newCluster()
		c.send(0, "k", "v")
		return New(DefaultConfig(), Deps{Log: slog.New(slog.DiscardHandler), Join: c.join, Sink: c, Work: predict})
	})
}

func TestTheOrderIsWhatTheFileSays(t *testing.T) {
	for order, want := range map[string]int{orderKey: 4, orderPartition: 2, orderNone: 6} {
		t.Run(order, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster()
				release := make(chan struct{})
				var begun atomic.Int64
				_, stop := running(t, c, func(ctx context.Context, e *event.Event) event.Ending {
					begun.Add(1)
					<-release
					return predict(ctx, e)
				}, func(c *Config, _ *Deps) { c.Order = order })
				for part := range int32(2) {
					c.send(part, "same", "1")
					c.send(part, "same", "2")
					c.send(part, "other", "3")
				}
				synctest.Wait()
				if got := begun.Load(); int(got) != want {
					t.Errorf("%d events in work at once, want %d", got, want)
				}
				close(release)
				time.Sleep(time.Second)
				if n := len(c.written()); n != 6 {
					t.Errorf("%d endings, want 6", n)
				}
				if err := stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestAnEndpointThatThrottlesIsAskedByFewer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		var working atomic.Int64
		p, stop := running(t, c, func(ctx context.Context, e *event.Event) event.Ending {
			defer working.Add(-1)
			if working.Add(1) > 10 {
				time.Sleep(time.Millisecond)
				return event.Ending{Place: event.Unfinished, Throttled: true, Err: errModel}
			}
			time.Sleep(20 * time.Millisecond)
			return predict(ctx, e)
		})
		for range 100 {
			for i := range 50 {
				c.send(0, "k"+num(i), "v")
			}
			time.Sleep(100 * time.Millisecond)
		}
		var now pulse.Pulse
		p.Snapshot(&now)
		if now.Limit < 8 || now.Limit > 12 {
			t.Errorf("the limit is %d, the endpoint takes 10", now.Limit)
		}
		time.Sleep(10 * time.Second)
		if n := len(c.written()); n != 5000 {
			t.Errorf("%d predictions, want 5000", n)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestAHundredThousandKeysLeaveNothingBehind(t *testing.T) {
	const keys = 100_000
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		p, stop := running(t, c, func(ctx context.Context, e *event.Event) event.Ending {
			time.Sleep(time.Millisecond)
			return predict(ctx, e)
		})
		for i := range keys {
			c.send(0, "k"+num(i), "v")
			if i%1000 == 999 {
				time.Sleep(20 * time.Millisecond)
			}
		}
		time.Sleep(time.Minute)
		if n := c.committed(0); n != keys {
			t.Errorf("committed %d of %d", n, keys)
		}
		p.mu.Lock()
		if len(p.lanes) != 0 || p.queued != 0 || p.tracked != 0 || len(p.free) > 2*p.config.MaxQueued {
			t.Errorf("left: %d lanes, %d events, %d offsets, %d unused lanes", len(p.lanes), p.queued, p.tracked, len(p.free))
		}
		p.mu.Unlock()
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestAPartitionThatComesBackDoesNotWaitForTheBackoffOfBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		var calls atomic.Int64
		_, stop := running(t, c, func(ctx context.Context, e *event.Event) event.Ending {
			if calls.Add(1) == 1 {
				return event.Ending{Place: event.Unfinished, Counted: true, After: time.Hour, Err: errModel}
			}
			return predict(ctx, e)
		})
		synctest.Wait()
		c.send(0, "k", "v")
		time.Sleep(time.Second)
		c.revoke(t.Context(), 0)
		c.assign(0)
		time.Sleep(time.Second)
		if got := c.written(); len(got) != 1 {
			t.Errorf("written %v", got)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestHeadersCountAgainstTheByteBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		release := make(chan struct{})
		p, stop := running(t, c, func(ctx context.Context, e *event.Event) event.Ending {
			<-release
			return predict(ctx, e)
		}, func(c *Config, _ *Deps) { c.MaxQueuedBytes = setting.MiB })
		synctest.Wait()
		for i := range 10 {
			c.send(0, num(i), "v", event.Header{Name: "large", Value: make([]byte, 512<<10)})
			synctest.Wait()
		}
		p.mu.Lock()
		if p.queued > 3 {
			t.Errorf("%d events of half a megabyte are held, want what max_queued_bytes has room for", p.queued)
		}
		p.mu.Unlock()
		close(release)
		time.Sleep(time.Second)
		if err := stop(); err != nil || c.committed(0) != 10 {
			t.Errorf("%v, committed %d", err, c.committed(0))
		}
		if held := heldBy(p); held != "" {
			t.Error(held)
		}
	})
}
