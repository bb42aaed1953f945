package app

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
	"betimes/internal/flow/balance"
	"betimes/internal/model"
)

// moodyDoor answers, now and then takes long, and while it is mean fails in every way
// there is.
type moodyDoor struct {
	name string
	mean atomic.Bool
	now  atomic.Int64 // calls under way
}

func (d *moodyDoor) Invoke(ctx context.Context, r *model.Request) (*model.Response, error) {
	d.now.Add(1)
	defer d.now.Add(-1)
	took := time.Duration(1+rand.N(20)) * time.Millisecond
	if rand.N(50) == 0 {
		took *= 20
	}
	select {
	case <-time.After(took):
	case <-ctx.Done():
		class := model.ClassCanceled
		if ctx.Err() == context.DeadlineExceeded {
			class = model.ClassTimeout
		}
		return nil, &model.Error{Class: class, Endpoint: d.name, Err: ctx.Err()}
	}
	switch n := rand.N(200); {
	case !d.mean.Load():
	case n == 0:
		panic("bad")
	case n < model.NumClasses:
		return nil, &model.Error{Class: model.Class(n), Endpoint: d.name}
	}
	resp := &model.Response{ContentType: "text/csv", Endpoint: d.name, Answers: make([]model.Answer, len(r.Items))}
	for i := range resp.Answers {
		resp.Answers[i].Body = r.Items[i].Body
	}
	return resp, nil
}

// wholePath is the path of a file before three doors: admission, shared calls, second
// calls.
func wholePath(t *testing.T) (*App, *chain, *balance.Picker, []*moodyDoor) {
	file := strings.Replace(oneModel, "flow: {", "flow: {admit: {late: shed}, batch: {max_events: 16}, ", 1)
	a, path := appOf(t, file, nil)
	var doors []*moodyDoor
	var routes []balance.Route
	for i := range 3 {
		d := &moodyDoor{name: fmt.Sprint("e", i)}
		doors = append(doors, d)
		routes = append(routes, balance.Route{Target: balance.Target{Model: "m", Endpoint: d.name, Limit: 64}, Door: d})
	}
	c := balance.DefaultConfig()
	c.Hedge = &balance.HedgeConfig{At: 0.9, Budget: 0.2}
	picker := balance.Among(c, routes, balance.Deps{Registerer: a.metrics})
	m := path.models["m"]
	m.answeredSince = picker.AnsweredSince
	a.wrap(m, a.config.Models["m"], picker)
	return a, path, picker, doors
}

func TestNoSlotIsHeldAfterCancelsAndTimeoutsOnTheWholePath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, path, picker, doors := wholePath(t)
		var all sync.WaitGroup
		var ended [event.NumPlaces + 1]atomic.Int64
		for i := range 100_000 {
			if i%10_000 == 0 { // second calls are made again
				time.Sleep(time.Minute)
				for _, d := range doors {
					d.mean.Store(i%20_000 == 0)
				}
			}
			if i%10 == 0 { // 10,000 a second, or 1,000; now and then none
				time.Sleep(time.Duration(1+9*(i/10_000%2))*time.Millisecond + time.Duration(rand.N(1000)/999)*time.Second)
			}
			all.Go(func() {
				least := 500 * (i / 10_000 % 2) // while timeouts are many no second calls are made
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(least+rand.N(100))*time.Millisecond)
				defer cancel()
				if i%3 == 0 {
					stop := time.AfterFunc(time.Duration(rand.N(50))*time.Millisecond, cancel)
					defer stop.Stop()
				}
				e := newTestEvent(fmt.Sprintf(`{"a":%d,"b":2}`, i))
				e.ID, e.Deadline = fmt.Sprint(i), time.Now().Add(time.Duration(rand.N(120))*time.Millisecond)
				defer func() { _ = recover() }() // as stream does
				ended[path.work(ctx, e).Place].Add(1)
			})
		}
		all.Wait()
		time.Sleep(time.Minute) // an answer may be looked at again
		for _, place := range []event.Place{event.Predicted, event.Shed, event.DeadLetter, event.Unfinished} {
			if ended[place].Load() == 0 {
				t.Errorf("none of the events is %s", place)
			}
		}
		won, lost := countOf(t, a, "betimes_balance_hedges_total", "won"), countOf(t, a, "betimes_balance_hedges_total", "lost")
		t.Logf("%d predicted, %d shed, %d dead letters, %d to be tried again; %v second calls won, %v lost", ended[event.Predicted].Load(), ended[event.Shed].Load(),
			ended[event.DeadLetter].Load(), ended[event.Unfinished].Load(), won, lost)
		if won == 0 || lost == 0 {
			t.Error("not both")
		}
		if free, limit, _ := picker.Capacity(); free != limit {
			t.Errorf("%d of %d slots are free", free, limit)
		}
		for i, e := range picker.Snapshots() {
			if e.InFlight != 0 || doors[i].now.Load() != 0 {
				t.Errorf("%s has %d calls under way, its door %d", e.Name, e.InFlight, doors[i].now.Load())
			}
		}
		m := path.models["m"]
		if q, l := m.queue.Snapshot(), m.limiter.Snapshot(); q.UnderWay != 0 || q.Waiting != 0 || l.Inside != 0 {
			t.Errorf("%d shared calls under way, %d events wait for one, %d are let in", q.UnderWay, q.Waiting, l.Inside)
		}
	})
}
