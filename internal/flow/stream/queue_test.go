package stream

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
	"betimes/internal/pulse"
	"betimes/internal/setting"
)

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
		ended(t, stop)
	})
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
		ended(t, stop)
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
		ended(t, stop)
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
