package stream

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// switched is a model that can be away.
type switched struct {
	away  atomic.Bool
	calls atomic.Int64
}

func (s *switched) work(ctx context.Context, e *event.Event) event.Ending {
	if string(e.Value) == "poison" {
		return event.Fail(event.ReasonFeature, event.StageFeature, errModel)
	}
	s.calls.Add(1)
	if s.away.Load() {
		return event.Ending{Place: event.Unfinished, Stage: event.StageNetwork, Err: errModel}
	}
	return predict(ctx, e)
}

func TestWhenEveryCallFailsFetchingPausesAndWorkGoesOnAtTheFirstAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		var m switched
		m.away.Store(true)
		p, stop := running(t, c, m.work)
		for i := range 100 {
			c.send(0, "k"+num(i), num(i))
		}
		time.Sleep(10 * time.Second)
		p.mu.Lock()
		closed := p.gate.closed
		p.mu.Unlock()
		if !closed {
			t.Fatal("the gate is open")
		}
		before := m.calls.Load()
		for i := range 100 {
			c.send(1, "later"+num(i), num(i))
		}
		time.Sleep(10 * time.Minute)
		if asked := m.calls.Load() - before; asked > 1300 || asked < 1000 {
			t.Errorf("a model that is away was asked %d times in ten minutes, want about two a second", asked)
		}
		if n := len(c.written()); n != 0 || c.left {
			t.Errorf("%d endings meanwhile, left the group %v", n, c.left)
		}
		m.away.Store(false)
		time.Sleep(time.Second)
		if n := len(c.written()); n != 200 {
			t.Errorf("%d endings a second after the model came back, want all 200", n)
		}
		ended(t, stop)
	})
}

func TestEventsThatAskNobodyDoNotOpenTheGateAndDoNotLockIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		var m switched
		m.away.Store(true)
		p, stop := running(t, c, m.work, func(c *Config, _ *Deps) { c.Concurrency = 2 })
		for i := range 20 {
			c.send(0, "k"+num(i), num(i))
			c.send(0, "p"+num(i), "poison")
		}
		time.Sleep(time.Minute)
		p.mu.Lock()
		closed := p.gate.closed
		p.mu.Unlock()
		if !closed {
			t.Error("an event that could not be mapped opened the gate")
		}
		m.away.Store(false)
		time.Sleep(30 * time.Second)
		if n := len(c.written()); n != 40 {
			t.Errorf("%d endings, want 40", n)
		}
		ended(t, stop)
	})
}

func TestAnEventThatAlwaysFailsDoesNotKeepOthersFromBeingAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		_, stop := running(t, c, func(ctx context.Context, e *event.Event) event.Ending {
			if string(e.Value) == "hang up" {
				return event.Ending{Place: event.Unfinished, Stage: event.StageNetwork, Err: errModel}
			}
			return predict(ctx, e)
		})
		c.send(0, "bad", "hang up")
		time.Sleep(time.Minute) // it is all there is: the gate closes
		c.send(0, "good", "hello")
		time.Sleep(time.Second)
		if n := len(c.written()); n != 1 {
			t.Errorf("%d endings a second after a good event came, want its prediction", n)
		}
		ended(t, stop)
	})
}

func TestAClosedGateLetsNoMoreThroughThanItMay(t *testing.T) {
	p := New(DefaultConfig(), Deps{})
	part := newPartition(kafka.Partition{Topic: "events"}, 0)
	for i := range int64(2) {
		p.enter(&item{event: &event.Event{Source: event.Source{Topic: "events", Offset: i}}, part: part, seq: i})
	}
	p.gate = gate{closed: true, tries: 1}
	if first, second := p.nextLane(), p.nextLane(); first == nil || second != nil {
		t.Errorf("one may ask: let through %v, then %v", first != nil, second != nil)
	}
}

func TestEventsOfAPartitionThatHasGoneAskNoEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		var m switched
		m.away.Store(true)
		p, stop := running(t, c, m.work)
		synctest.Wait()
		for i := range 500 {
			c.send(0, "k"+num(i), num(i))
		}
		c.send(1, "k", "stays")
		time.Sleep(time.Minute)
		c.revoke(t.Context(), 0)
		m.away.Store(false)
		time.Sleep(time.Second)
		if got := c.written(); len(got) != 1 || got[0] != "predictions stays" {
			t.Errorf("written a second after the endpoint came back: %v", got)
		}
		ended(t, stop)
		if held := heldBy(p); held != "" {
			t.Error(held)
		}
	})
}

func TestEventsThatAreShedWhileEveryCallFailsAskNobodyAndHoldNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		var m switched
		m.away.Store(true)
		p, stop := running(t, c, func(ctx context.Context, e *event.Event) event.Ending {
			if time.Since(e.Fetched) > time.Second {
				return event.Ending{Place: event.Shed, Reason: event.ReasonLate, Stage: event.StageAdmit, Err: errModel}
			}
			return m.work(ctx, e)
		})
		c.send(0, "first", "first")
		time.Sleep(5 * time.Second) // the gate closes
		for i := range 1000 {
			c.send(0, "k"+num(i), num(i))
		}
		time.Sleep(5 * time.Second)
		p.mu.Lock()
		closed := p.gate.closed
		p.mu.Unlock()
		if n := len(c.written()); n < 1000 || !closed {
			t.Errorf("%d of 1001 events are shed whose time is over, the gate is closed: %v", n, closed)
		}
		before := m.calls.Load()
		for i := range 60 {
			c.send(0, "later"+num(i), num(i))
			time.Sleep(time.Second)
		}
		if asked := m.calls.Load() - before; asked < 30 || asked > 130 {
			t.Errorf("a model that is away was asked %d times in a minute, want about once or twice a second", asked)
		}
		m.away.Store(false)
		c.send(0, "fresh", "fresh")
		time.Sleep(900 * time.Millisecond)
		if got := c.written(); !slices.Contains(got, "predictions fresh") {
			t.Errorf("the newest endings are %v", got[len(got)-3:])
		}
		ended(t, stop)
	})
}
