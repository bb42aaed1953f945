package stream

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
)

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
		ended(t, stop)
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

func TestAnEventThatIsShedAfterItsModelFailedSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		_, stop := running(t, c, func(ctx context.Context, e *event.Event) event.Ending {
			if string(e.Value) == "failed before" && e.Attempts == 1 {
				return event.Ending{Place: event.Unfinished, Err: errModel}
			}
			return event.Ending{Place: event.Shed, Reason: event.ReasonLate, Stage: event.StageAdmit, Err: errors.New("too late to ask")}
		})
		c.send(0, "a", "failed before")
		c.send(1, "b", "not asked before")
		time.Sleep(time.Second)
		ended(t, stop)
		want := map[string]string{
			"failed before":    "too late to ask; attempt 1 came to: " + errModel.Error(),
			"not asked before": "too late to ask",
		}
		for _, r := range c.records {
			if got := headerOf(r, event.HeaderError); r.Topic != "shed" || got != want[string(r.Value)] {
				t.Errorf("%s in %s says %q, want %q", r.Value, r.Topic, got, want[string(r.Value)])
			}
		}
		if len(c.records) != 2 {
			t.Errorf("%d records", len(c.records))
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
		ended(t, stop)
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
		ended(t, stop)
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
		ended(t, stop)
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
		ended(t, stop)
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
		ended(t, stop)
	})
}
