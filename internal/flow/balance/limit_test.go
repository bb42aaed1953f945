package balance

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/model"
)

// crowded is an endpoint that takes so many calls at once and refuses the others.
type crowded struct {
	takes    atomic.Int64
	service  time.Duration
	underWay atomic.Int64
	done     atomic.Int64
	refused  atomic.Int64
}

func (c *crowded) Invoke(ctx context.Context, r *model.Request) (*model.Response, error) {
	time.Sleep(rand.N(onTheWay)) // no call comes at the moment in which another ends
	defer c.underWay.Add(-1)
	if c.underWay.Add(1) > c.takes.Load() {
		time.Sleep(time.Millisecond)
		c.refused.Add(1)
		return nil, &model.Error{Class: model.ClassThrottled, Endpoint: "e"}
	}
	time.Sleep(c.service)
	if ctx.Err() != nil {
		return nil, &model.Error{Class: model.ClassCanceled, Endpoint: "e", Err: ctx.Err()}
	}
	c.done.Add(1)
	return &model.Response{Answers: make([]model.Answer, len(r.Items))}, nil
}

// windows are how many calls a second were answered, and which share of all was refused,
// in the middle one of three stretches: one may have a cut too many by chance.
func (c *crowded) windows(span time.Duration) (answered, refused float64) {
	var done, no []float64
	for range 3 {
		d, r := c.done.Load(), c.refused.Load()
		time.Sleep(span)
		d, r = c.done.Load()-d, c.refused.Load()-r
		done, no = append(done, float64(d)/span.Seconds()), append(no, float64(r)/float64(max(d+r, 1)))
	}
	slices.Sort(done)
	slices.Sort(no)
	return done[1], no[1]
}

// onTheWay is how long a call takes to the endpoint at most.
const onTheWay = time.Millisecond

// callers ask until ctx ends, as many at once; fails counts what they were not answered.
func callers(ctx context.Context, p *Picker, n int, fails *atomic.Int64) *sync.WaitGroup {
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			for ctx.Err() == nil {
				if _, err := p.Invoke(ctx, &model.Request{Items: []model.Item{{}}}); err != nil && ctx.Err() == nil {
					fails.Add(1)
				}
			}
		})
	}
	return &wg
}

func TestTheLimitOfAnEndpointIsFoundAndFollowedWithFewRefusals(t *testing.T) {
	for name, service := range map[string]time.Duration{"a quick model": 20 * time.Millisecond, "a slow model": 200 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := &crowded{service: service}
				p := New(Target{Model: "m", Endpoint: "e", Limit: 256}, e, Deps{})
				ctx, cancel := context.WithCancel(t.Context())
				var fails atomic.Int64
				var wg *sync.WaitGroup
				for _, takes := range []int64{20, 5, 40} {
					e.takes.Store(takes)
					if wg == nil {
						wg = callers(ctx, p, 64, &fails)
					}
					time.Sleep(10 * time.Second)
					used, refused := e.windows(20 * time.Second)
					if share := used / (float64(takes) / (service + onTheWay/2).Seconds()); share < 0.95 {
						t.Errorf("%d at once: %.1f%% of what the endpoint can", takes, 100*share)
					}
					if refused > 0.02 {
						t.Errorf("%d at once: %.2f%% of the calls were refused", takes, 100*refused)
					}
				}
				cancel()
				wg.Wait()
				if fails.Load() > 0 {
					t.Errorf("%d calls came back without an answer", fails.Load())
				}
			})
		})
	}
}

func TestTwoWorkersOfOneEndpointBothGetOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &crowded{service: 50 * time.Millisecond}
		e.takes.Store(20)
		ctx, cancel := context.WithCancel(t.Context())
		var fails atomic.Int64
		p, late := New(Target{Endpoint: "e", Limit: 256}, e, Deps{}), New(Target{Endpoint: "e", Limit: 256}, e, Deps{})
		first := callers(ctx, p, 64, &fails)
		time.Sleep(20 * time.Second)
		second := callers(ctx, late, 64, &fails)
		time.Sleep(20 * time.Second)
		was := [2]int64{p.endpoints[0].counts[ok].Load(), late.endpoints[0].counts[ok].Load()}
		done, refused := e.done.Load(), e.refused.Load()
		time.Sleep(3 * time.Minute) // one may have had the worse of it for a while
		one, two := p.endpoints[0].counts[ok].Load()-was[0], late.endpoints[0].counts[ok].Load()-was[1]
		done, refused = e.done.Load()-done, e.refused.Load()-refused
		if min(one, two)*10 < one+two {
			t.Errorf("one was answered %d times, the other %d", one, two)
		}
		if done < 20*180*20*9/10 || refused*20 > done {
			t.Errorf("%d answered, %d refused", done, refused)
		}
		cancel()
		first.Wait()
		second.Wait()
	})
}

func TestAnEndpointThatRefusesEverythingIsAskedSlowlyAndGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &crowded{service: 10 * time.Millisecond}
		p := New(Target{Endpoint: "e", Limit: 256}, e, Deps{})
		ctx, cancel := context.WithCancel(t.Context())
		var fails atomic.Int64
		wg := callers(ctx, p, 64, &fails)
		time.Sleep(10 * time.Second)
		before := e.refused.Load()
		time.Sleep(10 * time.Second)
		if n := e.refused.Load() - before; n > 20 {
			t.Errorf("asked %d times in 10 s", n)
		}
		if fails.Load() == 0 {
			t.Error("no call was given back to whoever waits longer")
		}
		e.takes.Store(20)
		time.Sleep(10 * time.Second)
		before = e.done.Load()
		time.Sleep(time.Minute) // long enough for a cut in it to be one of many moments
		if n := e.done.Load() - before; n < 6*18_000 {
			t.Errorf("%d calls in a minute once it takes 20 at once", n)
		}
		cancel()
		wg.Wait()
	})
}

func TestMoreInstancesTakeMoreAtOnce(t *testing.T) {
	l := newLimiter(256)
	l.scale(2)
	if l.limit != 256 {
		t.Errorf("nothing was learned, and the limit is %d", l.limit)
	}
	l.throttled(slot{seq: 1}, 21, 1, time.Now())
	l.scale(2)
	if l.limit != 40 {
		t.Errorf("20 on one instance, %d on two", l.limit)
	}
	l.scale(0.25)
	if l.limit != 10 {
		t.Errorf("40 on four, %d on one", l.limit)
	}
}
