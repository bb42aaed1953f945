package app

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
	"betimes/internal/flow/balance"
	"betimes/internal/model"
	"betimes/internal/model/modeltest"
)

// executors is a model that works on two calls at once.
type executors struct {
	free        chan struct{}
	fixed, each time.Duration
	fake        modeltest.Fake

	mu      sync.Mutex
	expired int // events that it was asked about after their deadline
}

func (x *executors) Invoke(ctx context.Context, r *model.Request) (*model.Response, error) {
	now := time.Now()
	x.mu.Lock()
	for i := range r.Items {
		if d := r.Items[i].Deadline; !d.IsZero() && now.After(d) {
			x.expired++
		}
	}
	x.mu.Unlock()
	x.free <- struct{}{}
	defer func() { <-x.free }()
	time.Sleep(x.fixed + time.Duration(len(r.Items))*x.each)
	begun := *r
	begun.Items = slices.Clone(r.Items)
	for i := range begun.Items {
		begun.Items[i].Latest = time.Time{} // the fake answers what has begun
	}
	return x.fake.Invoke(ctx, &begun)
}

func TestUnderOverloadTheWholePathPredictsInTimeWhatItsModelCanDo(t *testing.T) {
	const ms = time.Millisecond
	cases := map[string]struct {
		limit       int // calls at once that balance allows
		most        int // events of a call
		fixed, each time.Duration
		deadline    time.Duration
	}{
		"one by one":                          {2, 1, 4 * ms, 0, 50 * ms},
		"one by one, in line in the endpoint": {64, 1, 4 * ms, 0, 50 * ms},
		"several in a call":                   {2, 16, 20 * ms, ms / 2, 250 * ms},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				file := strings.Replace(oneModel, "flow: {", fmt.Sprintf("flow: {admit: {late: shed}, batch: {max_events: %d}, ", c.most), 1)
				x := &executors{free: make(chan struct{}, 2), fixed: c.fixed, each: c.each}
				a, path := appOf(t, file, &x.fake)
				m := path.models["m"]
				picker := balance.New(balance.Target{Model: "m", Endpoint: "m", Limit: c.limit}, x, balance.Deps{})
				a.wrap(m, a.config.Models["m"], picker)
				capacity := float64(2*c.most) / (c.fixed + time.Duration(c.most)*c.each).Seconds()
				good := drive(path, 1.5*capacity, c.deadline)
				if share := float64(good) / (capacity * judged.Seconds()); share < 0.85 || x.expired > 0 {
					t.Errorf("%d in time are %.2f of what the model can do; it was asked about %d too late", good, share, x.expired)
				}
			})
		})
	}
}

// judged is the part of a run that counts, after as much to learn in.
const judged = 3 * time.Second

// drive sends events through a path, as stream does, and tells how many were predicted
// in time in the judged part.
func drive(c *chain, rate float64, deadline time.Duration) (good int) {
	var mu sync.Mutex
	var done sync.WaitGroup
	line := make(chan *event.Event, 1<<20)
	began := time.Now()
	for range 1024 {
		done.Go(func() {
			for e := range line {
				got := c.work(context.Background(), e)
				mu.Lock()
				if got.Place == event.Predicted && !e.Late(time.Now()) && e.Received.Sub(began) >= judged {
					good++
				}
				mu.Unlock()
			}
		})
	}
	for time.Since(began) < 2*judged {
		e := newTestEvent(`{"a":1,"b":2}`)
		e.Deadline = e.Received.Add(deadline)
		line <- e
		time.Sleep(time.Duration(rand.ExpFloat64() / rate * float64(time.Second)))
	}
	close(line)
	done.Wait()
	return good
}
