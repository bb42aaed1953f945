package stream

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
	"betimes/internal/lifecycle"
	"betimes/internal/lifecycle/lifecycletest"
)

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
		ended(t, stop)
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
		ended(t, stop)
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
		ended(t, stop)
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
		ended(t, stop)
		if got := len(c.written()); got != 6 || c.committed(0) != 6 {
			t.Errorf("written %v, committed %d; want the six up to the highest that had begun", c.written(), c.committed(0))
		}
	})
}

// Of a group with eager members all partitions go at each rebalance, and come back
// at once or to a consumer that does not read notes.
func TestAnEagerHandOverLeavesNothingFinishedAboveAnUnfinishedEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		_, stop := running(t, c, func(ctx context.Context, e *event.Event) event.Ending {
			time.Sleep(100 * time.Millisecond)
			return predict(ctx, e)
		}, func(c *Config, _ *Deps) { c.Concurrency, c.Protocol = 2, protocolEager })
		for i, key := range []string{"a", "a", "b", "a", "c", "d", "e"} {
			c.send(0, key, num(i))
		}
		time.Sleep(150 * time.Millisecond) // 0 and 2 are predicted; 4 and 5 are in work, 1 and 3 wait
		synctest.Wait()
		c.revoke(t.Context(), 0)
		if got := len(c.written()); got != 6 || c.committed(0) != 6 {
			t.Errorf("written %v, committed %d; want the six up to the highest that had begun", c.written(), c.committed(0))
		}
		c.assign(0) // 6 had not begun, its lane must not stand still
		c.send(0, "e", "7")
		time.Sleep(time.Second)
		want := []string{"predictions 0", "predictions 1", "predictions 2", "predictions 3", "predictions 4", "predictions 5", "predictions 6", "predictions 7"}
		if got := slices.Sorted(slices.Values(c.written())); !slices.Equal(got, want) || c.committed(0) != 8 {
			t.Errorf("written %v, committed %d after it came back", got, c.committed(0))
		}
		ended(t, stop)
	})
}

func TestAnEagerHandOverMakesRoomForWhatComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		_, stop := running(t, c, func(ctx context.Context, e *event.Event) event.Ending {
			time.Sleep(100 * time.Millisecond)
			return predict(ctx, e)
		}, func(c *Config, _ *Deps) { c.Concurrency, c.MaxQueued, c.Protocol = 1, 4, protocolEager })
		for i := range 20 {
			c.send(0, "k"+num(i), num(i)) // full: nothing is fetched before there is room
		}
		for range 5 {
			time.Sleep(150 * time.Millisecond)
			synctest.Wait()
			c.revoke(t.Context(), 0)
			c.assign(0)
		}
		time.Sleep(10 * time.Second)
		if got := len(c.written()); got != 20 || c.committed(0) != 20 {
			t.Errorf("written %d, committed %d, want all 20 once", got, c.committed(0))
		}
		ended(t, stop)
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

func TestAProcessorStopsWheneverItIsTold(t *testing.T) {
	lifecycletest.Stress(t, 50, func() lifecycle.Runner {
		c := newCluster()
		c.send(0, "k", "v")
		return New(DefaultConfig(), Deps{Log: slog.New(slog.DiscardHandler), Join: c.join, Sink: c, Work: predict})
	})
}
