package balance

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"betimes/internal/model"
)

// readOver is the time that a part of the calls is read over.
const readOver = 500 * time.Millisecond

// comeback is how an endpoint fared after it was well again.
type comeback struct {
	part  time.Duration // until it had half of its part of the calls, in half a second
	most  float64       // largest part of all calls that it had in half a second
	lost  int           // events that failed
	tries int64         // calls that it failed in the first second
}

// watch offers load for a while and watches one server from its beginning.
func (f *fleet) watch(ctx context.Context, server int, span time.Duration) comeback {
	const every, looks = 100 * time.Millisecond, int(readOver / (100 * time.Millisecond))
	var wg sync.WaitGroup
	var l *load
	wg.Go(func() { l = f.offer(ctx, 500, span, time.Second) })
	c := comeback{part: span}
	var own, all []int64
	note := func() {
		n, each := f.calls()
		own, all = append(own, each[server]), append(all, n)
	}
	f.reset()
	note()
	for at := every; at <= span; at += every {
		time.Sleep(every)
		note()
		if at == time.Second {
			c.tries = own[len(own)-1]
		}
		if n := len(own) - 1; n >= looks {
			share := float64(own[n]-own[n-looks]) / float64(all[n]-all[n-looks])
			if c.most = max(c.most, share); share >= 0.05 && c.part == span {
				c.part = at
			}
		}
	}
	wg.Wait()
	c.lost = l.failed
	return c
}

func TestAnEndpointThatIsWellAgainHasItsPartWithinThreeSeconds(t *testing.T) {
	const one = 3
	slow := between(60*time.Millisecond, 100*time.Millisecond)
	for name, ill := range map[string]func(*server) (well func()){
		"it was slow": func(s *server) func() {
			quick := s.took
			s.took = slow
			return func() { s.took = quick }
		},
		"it was dead": func(s *server) func() {
			s.fails.Store(int32(model.ClassConnection))
			return func() { s.fails.Store(0) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			var parts []time.Duration
			for phase := range 10 { // of what is tried now and then
				simulate(t, func(t *testing.T, ctx context.Context) {
					f := newFleet(DefaultConfig(), ten())
					f.offer(ctx, 500, 3*time.Second, time.Second)
					well := ill(f.servers[one])
					f.offer(ctx, 500, 10*time.Second+time.Duration(phase)*250*time.Millisecond, time.Second)
					well()
					c := f.watch(ctx, one, 6*time.Second)
					parts = append(parts, c.part)
					if c.most > 0.2 || c.lost > 0 {
						t.Errorf("it had %.0f%% of the calls in half a second, %d events failed", 100*c.most, c.lost)
					}
				})
			}
			if worst := slices.Max(parts); worst > 3*time.Second+readOver {
				t.Errorf("it had half of its part after %v", worst)
			}
		})
	}
}

func TestAnEndpointThatDiesFailsThreeCallsAtMostBeforeItIsLeftAlone(t *testing.T) {
	for range 10 {
		simulate(t, func(t *testing.T, ctx context.Context) {
			f := newFleet(DefaultConfig(), ten())
			f.offer(ctx, 500, 3*time.Second, time.Second)
			f.servers[5].fails.Store(int32(model.ClassConnection))
			if c := f.watch(ctx, 5, 4*time.Second); c.tries > 3 || c.lost > 0 {
				t.Errorf("%d calls failed in a second, %d events", c.tries, c.lost)
			}
		})
	}
}
