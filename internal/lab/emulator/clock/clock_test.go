package clock

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestASleeperWakesByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New()
		began := time.Now()
		c.Go(func() { _ = c.Sleep(t.Context(), time.Minute) })
		synctest.Wait()
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(c.sleepers) != 0 || time.Since(began) != time.Minute {
			t.Errorf("%d sleep after %s", len(c.sleepers), time.Since(began))
		}
	})
}

func TestAdvanceWakesSleepersInOrderAndEachSeesItsOwnMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New()
		zero := c.Now()
		var mu sync.Mutex
		var woke []time.Duration
		for _, d := range []time.Duration{3 * time.Minute, time.Minute, 20 * time.Minute, 2 * time.Minute} {
			c.Go(func() {
				for range 2 { // what wakes may sleep again, within the same advance
					if c.Sleep(t.Context(), d) != nil {
						return
					}
					mu.Lock()
					woke = append(woke, c.Now().Sub(zero))
					mu.Unlock()
				}
			})
		}
		synctest.Wait()
		now, err := c.Advance(t.Context(), 5*time.Minute)
		if err != nil || now.Sub(zero) != 5*time.Minute || c.Now().Sub(zero) != 5*time.Minute {
			t.Fatalf("now %s, %v", now.Sub(zero), err)
		}
		want := []time.Duration{time.Minute, 2 * time.Minute, 2 * time.Minute, 3 * time.Minute, 4 * time.Minute}
		if !slices.Equal(woke, want) {
			t.Errorf("woke at %v, want %v", woke, want)
		}
	})
}

func TestAfterAnAdvanceTheRestOfASleepIsShorter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New()
		began := time.Now()
		var slept time.Duration
		c.Go(func() {
			_ = c.Sleep(t.Context(), 10*time.Minute)
			slept = time.Since(began)
		})
		synctest.Wait()
		if _, err := c.Advance(t.Context(), 9*time.Minute); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if slept != time.Minute {
			t.Errorf("slept %s of the machine's time, want 1m", slept)
		}
	})
}

func TestAnAdvanceWaitsForWhatItWoke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New()
		done := false
		c.Go(func() {
			_ = c.Sleep(t.Context(), time.Minute)
			time.Sleep(3 * time.Second) // real work
			done = true
		})
		synctest.Wait()
		if _, err := c.Advance(t.Context(), time.Minute); err != nil || !done {
			t.Errorf("done is %v, %v", done, err)
		}
	})
}

func TestAnAdvanceGivesUpWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New()
		c.Go(func() { time.Sleep(time.Hour) })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Advance(ctx, time.Minute); err == nil {
			t.Error("it did not wait for what works")
		}
		time.Sleep(2 * time.Hour)
	})
}

func TestASleepEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New()
		ctx, cancel := context.WithCancel(t.Context())
		var err error
		c.Go(func() { err = c.Sleep(ctx, time.Hour) })
		synctest.Wait()
		cancel()
		synctest.Wait()
		if err == nil || len(c.sleepers) != 0 || c.active != 0 {
			t.Errorf("%v, %d sleep, %d active", err, len(c.sleepers), c.active)
		}
	})
}

func TestTimeCannotGoBack(t *testing.T) {
	if _, err := New().Advance(t.Context(), -time.Second); err == nil {
		t.Error("it went back")
	}
}

func TestASleepThatBeginsAtOnceIsOverAfterItsTime(t *testing.T) {
	c := New()
	for range 200 { // the goroutine may lie down before, while or after Advance begins
		woke := make(chan struct{})
		c.Go(func() {
			if c.Sleep(t.Context(), time.Hour) == nil {
				close(woke)
			}
		})
		if _, err := c.Advance(t.Context(), time.Hour); err != nil {
			t.Fatal(err)
		}
		select {
		case <-woke:
		default:
			t.Fatal("it sleeps on")
		}
	}
}
