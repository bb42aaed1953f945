package batch

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestAModelThatBecomesThreeTimesAsSlowIsKnownWithinFiveSeconds(t *testing.T) {
	for _, rate := range []float64{10, 1000} {
		synctest.Test(t, func(t *testing.T) {
			e := newExecutors(2, 4*time.Millisecond, 100*time.Microsecond)
			q, l := queue(t, DefaultConfig(), e), load{rate: rate}
			l.offer(t, q, 10*time.Second)
			e.mu.Lock()
			e.times = 3
			e.mu.Unlock()
			l.offer(t, q, 5*time.Second)
			_, c := learned(q)
			if got := c.seconds(1); got < 0.9*0.0123 || got > 1.1*0.0123 {
				t.Errorf("at %.0f a second: %.4f s are reckoned with for one event, it takes 0.0123 s", rate, got)
			}
		})
	}
}

func TestOneSlowCallChangesLittle(t *testing.T) {
	var c cost
	now := time.Now()
	for i := range 200 {
		took := time.Duration(4_000+100*(1+i%5)) * time.Microsecond
		if i%50 == 49 {
			took *= 100
		}
		now = now.Add(10 * time.Millisecond)
		c.add(1+i%5, took, now)
	}
	if got := c.seconds(10); got < 0.0047 || got > 0.0055 {
		t.Errorf("%.4f s are reckoned with for ten events, they take 0.0050 s", got)
	}
}
