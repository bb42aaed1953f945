package stream

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
)

func TestHandsAreKeptForLaterEventsAndEndWithTheProcessor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		p, stop := running(t, c, func(ctx context.Context, e *event.Event) event.Ending {
			time.Sleep(time.Millisecond)
			return predict(ctx, e)
		})
		for round := range 3 {
			for key := range 100 { // all at once: more than are kept
				c.send(0, "k"+num(key), "v")
			}
			time.Sleep(time.Second)
			p.mu.Lock()
			idle, running := len(p.idle), p.running
			p.mu.Unlock()
			if idle == 0 || idle > maxIdle || running != 0 {
				t.Errorf("round %d: %d hands rest, %d work; want 1 to %d and none", round, idle, running, maxIdle)
			}
		}
		if err := stop(); err != nil { // the bubble fails when a hand is left
			t.Error(err)
		}
	})
}

// deep needs more stack than a goroutine begins with, as a call over HTTP does.
func deep(n int) byte {
	var frame [512]byte
	frame[n] = byte(n)
	if n == 0 {
		return frame[0]
	}
	return deep(n-1) + frame[n]
}

func BenchmarkAttempts(b *testing.B) {
	c := newCluster()
	done := make(chan struct{}, 1)
	_, stop := running(b, c, func(context.Context, *event.Event) event.Ending {
		deep(12)
		done <- struct{}{}
		return event.Ending{Place: event.Duplicate}
	})
	defer stop()
	b.ReportAllocs()
	i := 0
	for b.Loop() { // one at a time, as at a rate that a model keeps up with
		c.send(0, "k"+num(i%1000), "v")
		<-done
		i++
	}
}
