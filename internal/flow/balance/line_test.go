package balance

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/model"
)

// one is a request that waits as long as it takes.
func one() *model.Request { return &model.Request{Items: []model.Item{{}}} }

// pair are two servers that take one call at a time each.
func pair() *fleet {
	at := func() time.Duration { return 10 * time.Millisecond }
	return newFleet(DefaultConfig(), []*server{newServer("a", 1, at), newServer("b", 1, at)}, func(_ int, t *Target) { t.Limit = 1 })
}

// hang has a call under way at the server for as long as the test lasts.
func (f *fleet) hang(t *testing.T, ctx context.Context, number int) {
	t.Helper()
	for _, s := range f.servers {
		hang := make(chan struct{})
		s.hangs.Store(&hang)
		if s != f.servers[number] {
			defer close(hang)
			defer s.hangs.Store(nil)
		}
	}
	for range f.servers {
		go func() { _, _ = f.Invoke(ctx, one()) }()
	}
	synctest.Wait()
	for _, e := range f.endpoints {
		if e.underWay != 1 {
			t.Fatalf("%d calls under way at %s", e.underWay, e.target.Endpoint)
		}
	}
}

func TestThoseWhoWaitFindAnEndpointThatIsBackThoughTheOtherHangs(t *testing.T) {
	simulate(t, func(t *testing.T, ctx context.Context) {
		f := pair()
		f.hang(t, ctx, 1)
		time.Sleep(time.Second)
		f.servers[0].fails.Store(int32(model.ClassConnection))
		began := time.Now()
		answered := make(chan time.Duration, 2)
		for range 2 {
			go func() {
				if _, err := f.Invoke(ctx, one()); err == nil {
					answered <- time.Since(began)
				}
			}()
		}
		synctest.Wait()
		f.servers[0].fails.Store(0)
		time.Sleep(5 * time.Second)
		if len(answered) != 2 {
			t.Errorf("%d of 2 are answered 5 s after a fault of a moment", len(answered))
		}
	})
}

func TestACallThatIsAskedElsewhereHoldsNobodyUpForWhomItsFirstEndpointIsFree(t *testing.T) {
	simulate(t, func(t *testing.T, ctx context.Context) {
		f := pair()
		f.hang(t, ctx, 1)
		time.Sleep(time.Second)
		go func() { _, _ = f.line.take(ctx, ask{tried: f.endpoints[0].bit}) }()
		synctest.Wait()
		for range 2 {
			own, cancel := context.WithTimeout(ctx, time.Second)
			if _, err := f.Invoke(own, one()); err != nil {
				t.Error(err)
			}
			cancel()
		}
	})
}

func TestAnEndpointIsFoundOutAboutByTheNextCallWhenTheOneThatShouldHasLeft(t *testing.T) {
	simulate(t, func(t *testing.T, ctx context.Context) {
		f := pair()
		f.hang(t, ctx, 1)
		time.Sleep(time.Second)
		l, out := &f.line, f.endpoints[0]
		l.mu.Lock()
		out.standing.leave(time.Now())
		w := &waiter{granted: make(chan *call, 1)}
		at := l.waiting.PushBack(w)
		l.grant(time.Now())
		l.mu.Unlock()
		if len(w.granted) != 1 {
			t.Fatal("nothing was granted")
		}
		_ = l.leave(w, at, context.Canceled)
		own, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if _, err := f.Invoke(own, one()); err != nil || !out.standing.in() {
			t.Errorf("%v, takes part: %v", err, out.standing.in())
		}
	})
}
