package stream

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
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
		ended(t, stop)
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
		ended(t, stop)
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
		ended(t, stop)
	})
}

func TestAPredictionTooLargeForItsTopicBecomesADeadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		c.tooLarge(func(r *kafka.Record) bool { return r.Topic == "predictions" })
		_, stop := running(t, c, predict)
		c.send(0, "k", "v")
		time.Sleep(time.Second)
		if got := c.written(); !slices.Equal(got, []string{"dead-letters v"}) || headerOf(c.records[0], event.HeaderReason) != "too_large" {
			t.Errorf("written %v", got)
		}
		ended(t, stop)
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
				ended(t, stop)
			})
		})
	}
}
