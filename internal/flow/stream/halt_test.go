package stream

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

func TestAHaltedPartitionIsSaidAndTheOthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		p, stop := running(t, c, predict)
		synctest.Wait()
		c.hooks.Problem(errors.New("records 5 to 9 of events:0 are gone"))
		c.send(1, "k", "v")
		time.Sleep(time.Second)
		if got := c.written(); !slices.Equal(got, []string{"predictions v"}) {
			t.Errorf("written %v", got)
		}
		if err := p.Ready(); err == nil || !strings.Contains(err.Error(), "are gone") {
			t.Errorf("ready says %v", err)
		}
		ended(t, stop)
	})
}

func TestADeadLetterThatCannotBeWrittenHaltsItsPartitionAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		c.refuse = func(r *kafka.Record) error {
			if r.Topic == "dead-letters" {
				return errModel
			}
			return nil
		}
		p, stop := running(t, c, func(ctx context.Context, e *event.Event) event.Ending {
			if string(e.Value) == "bad" {
				return event.Fail(event.ReasonModelInput, event.StageModel, errModel)
			}
			return predict(ctx, e)
		})
		c.send(0, "a", "before")
		time.Sleep(time.Second)
		c.send(0, "b", "bad")
		time.Sleep(time.Second)
		c.send(0, "c", "behind")
		c.send(1, "d", "elsewhere")
		time.Sleep(time.Second)
		if got := c.written(); !slices.Equal(got, []string{"predictions before", "predictions elsewhere"}) {
			t.Errorf("written %v", got)
		}
		if err := p.Ready(); err == nil || !strings.Contains(err.Error(), "partition events:0 is halted") || !strings.Contains(err.Error(), "dead-letters") {
			t.Errorf("ready says %v", err)
		}
		if c.committed(0) != 1 || c.committed(1) != 1 {
			t.Errorf("committed %d and %d, want 1 and 1", c.committed(0), c.committed(1))
		}

		// The topic is mended, and the partition comes anew.
		c.mu.Lock()
		c.refuse = nil
		c.mu.Unlock()
		c.revoke(t.Context(), 0)
		c.assign(0)
		time.Sleep(time.Second)
		if got := c.written()[2:]; !slices.Contains(got, "dead-letters bad") || !slices.Contains(got, "predictions behind") || len(got) != 2 {
			t.Errorf("then written %v", got)
		}
		if err := p.Ready(); err != nil || c.committed(0) != 3 {
			t.Errorf("ready says %v, committed %d", err, c.committed(0))
		}
		ended(t, stop)
	})
}

func TestWhatIsInWorkWhenItsPartitionHaltsIsNotWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		c.refuse = func(r *kafka.Record) error {
			if string(r.Value) == "refused" {
				return errModel
			}
			return nil
		}
		p, stop := running(t, c, func(ctx context.Context, e *event.Event) event.Ending {
			if string(e.Value) == "slow" {
				time.Sleep(time.Second)
			}
			return predict(ctx, e)
		})
		for _, key := range []string{"a", "b", "c"} {
			c.send(0, key, "slow")
			c.send(0, key, "behind")
		}
		c.send(0, "d", "refused")
		time.Sleep(10 * time.Second)
		if got := c.written(); len(got) > 0 || c.committed(0) != 0 {
			t.Errorf("written %v, committed %d", got, c.committed(0))
		}
		p.mu.Lock()
		if p.queued != 0 || p.bytes != 0 || p.tracked != 0 || len(p.lanes) != 0 {
			t.Errorf("still held: %d events, %d bytes, %d offsets, %d lanes", p.queued, p.bytes, p.tracked, len(p.lanes))
		}
		p.mu.Unlock()
		ended(t, stop)
	})
}

func TestAPartitionThatHaltsWhileItIsGivenUpIsGivenUpAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		p, stop := running(t, c, func(ctx context.Context, e *event.Event) event.Ending {
			time.Sleep(200 * time.Millisecond)
			return event.Fail(event.ReasonModelInput, event.StageModel, errModel)
		}, func(c *Config, _ *Deps) {
			c.Errors = map[string]ErrorConfig{string(event.ReasonModelInput): {Then: thenHalt}}
		})
		c.send(0, "k", "bad")
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		began := time.Now()
		c.revoke(t.Context(), 0)
		if took := time.Since(began); took > 100*time.Millisecond || c.committed(0) != 0 {
			t.Errorf("given up after %s, committed %d", took, c.committed(0))
		}
		ended(t, stop)
		if held := heldBy(p); held != "" {
			t.Error(held)
		}
	})
}
