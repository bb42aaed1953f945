package laws

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/flow/balance"
	"betimes/internal/model"
)

// step is what a thing to be learned is from a moment on.
type step struct {
	from time.Duration
	is   int
}

// watched notes what was learned while it changes, and gives the table.
func watched(steps []step, long time.Duration, hidden string, change func(int), learned func() int) (lines []string, last int) {
	lines = []string{row("seconds", "calls at once", hidden), "|---|---|---|"}
	began, now := time.Now(), 0
	for at := time.Duration(0); at <= long; at += 100 * time.Millisecond {
		time.Sleep(time.Until(began.Add(at)))
		if now < len(steps) && at >= steps[now].from {
			change(steps[now].is)
			now++
		}
		last = learned()
		lines = append(lines, row(fmt.Sprintf("%.1f", at.Seconds()), fmt.Sprint(last), fmt.Sprint(steps[now-1].is)))
	}
	return lines, last
}

func TestHowManyCallsAtOnceAreWorthWhileIsFound(t *testing.T) {
	steps, long := []step{{0, 2}}, 6*time.Second
	if *update {
		steps, long = []step{{0, 2}, {15 * time.Second, 8}, {35 * time.Second, 3}}, 60*time.Second
	}
	synctest.Test(t, func(t *testing.T) {
		s := newServer(2, 20*time.Millisecond, 100*time.Microsecond)
		q := newQueue(t, s)
		var done sync.WaitGroup
		done.Go(func() { took(t, q, 1000, long, 1) })
		lines, last := watched(steps, long, "executors", s.change, func() int { return q.Snapshot().Limit })
		done.Wait()
		if want := steps[len(steps)-1].is; last < want-1 || last > want+1 {
			t.Errorf("%d calls at once, there are %d executors", last, want)
		}
		keep(t, "executors.md", "In virtual time, without brokers: 1,000 events a second, 20 ms a call and 0.1 ms an event", lines...)
	})
}

// crowded is an endpoint that takes so many calls at once and refuses the others.
type crowded struct {
	takes, underWay atomic.Int64
	refused, all    atomic.Int64
}

func (c *crowded) Invoke(_ context.Context, r *model.Request) (*model.Response, error) {
	defer c.underWay.Add(-1)
	c.all.Add(1)
	if c.underWay.Add(1) > c.takes.Load() {
		time.Sleep(time.Millisecond)
		c.refused.Add(1)
		return nil, &model.Error{Class: model.ClassThrottled, Endpoint: "e"}
	}
	time.Sleep(50 * time.Millisecond)
	return &model.Response{Answers: make([]model.Answer, len(r.Items))}, nil
}

func TestHowManyCallsAnEndpointTakesIsLearnedFromWhatItRefuses(t *testing.T) {
	steps, long := []step{{0, 20}}, 5*time.Second
	if *update {
		steps, long = []step{{0, 20}, {15 * time.Second, 5}, {30 * time.Second, 40}}, 45*time.Second
	}
	synctest.Test(t, func(t *testing.T) {
		e := &crowded{}
		p := balance.New(balance.Target{Model: "m", Endpoint: "e", Limit: 64}, e, balance.Deps{})
		ctx, cancel := context.WithCancel(t.Context())
		e.takes.Store(int64(steps[0].is))
		var callers sync.WaitGroup
		for range 100 {
			callers.Go(func() {
				for ctx.Err() == nil {
					_, _ = p.Invoke(ctx, &model.Request{Items: []model.Item{{}}})
				}
			})
		}
		lines, last := watched(steps, long, "the endpoint takes", func(n int) { e.takes.Store(int64(n)) }, func() int { return p.Snapshots()[0].Limit })
		cancel()
		callers.Wait()
		if want := steps[len(steps)-1].is; last < want*7/10 || last > want+3 {
			t.Errorf("%d calls at once, the endpoint takes %d", last, want)
		}
		share := float64(e.refused.Load()) / float64(e.all.Load())
		if share > 0.05 { // most of them in the first second
			t.Errorf("%.1f %% were refused", 100*share)
		}
		keep(t, "limit.md", fmt.Sprintf("In virtual time: an endpoint of 50 ms, asked as much as it takes; %.2f %% were refused", 100*share), lines...)
	})
}
