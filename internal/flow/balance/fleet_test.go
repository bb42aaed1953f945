package balance

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
	"betimes/internal/model"
)

// server is a simulated model server: so many calls at once, the others wait in it.
type server struct {
	name  string
	slots chan struct{}
	took  func() time.Duration
	fails atomic.Int32 // a model.Class; 0: it answers
	hangs atomic.Pointer[chan struct{}]
	calls atomic.Int64
	done  atomic.Int64
}

func newServer(name string, slots int, took func() time.Duration) *server {
	return &server{name: name, slots: make(chan struct{}, slots), took: took}
}

func (s *server) Invoke(ctx context.Context, r *model.Request) (*model.Response, error) {
	s.calls.Add(1)
	if class := model.Class(s.fails.Load()); class != 0 {
		return nil, &model.Error{Class: class, Endpoint: s.name}
	}
	if hang := s.hangs.Load(); hang != nil {
		select {
		case <-*hang:
		case <-ctx.Done():
			return nil, s.gaveUp(ctx)
		}
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return nil, s.gaveUp(ctx)
	}
	if !sleep(ctx, s.took()) {
		return nil, s.gaveUp(ctx)
	}
	s.done.Add(1)
	return &model.Response{Answers: make([]model.Answer, len(r.Items)), Endpoint: s.name}, nil
}

func (s *server) gaveUp(ctx context.Context) error {
	class := model.ClassCanceled
	if ctx.Err() == context.DeadlineExceeded {
		class = model.ClassTimeout
	}
	return &model.Error{Class: class, Endpoint: s.name, Err: ctx.Err()}
}

// between draws evenly.
func between(least, most time.Duration) func() time.Duration {
	return func() time.Duration { return least + rand.N(most-least) }
}

// fleet is some servers behind a Picker.
type fleet struct {
	servers []*server
	*Picker
}

func newFleet(c Config, servers []*server, change ...func(int, *Target)) *fleet {
	f := &fleet{servers: servers}
	var routes []Route
	for i, s := range servers {
		target := Target{Model: "m", Endpoint: s.name, Limit: 256}
		for _, by := range change {
			by(i, &target)
		}
		routes = append(routes, Route{Target: target, Door: s})
	}
	f.Picker = Among(c, routes, Deps{})
	return f
}

// ten are ten servers of 6 to 10 ms with four slots each.
func ten() []*server {
	var all []*server
	for i := range 10 {
		all = append(all, newServer(fmt.Sprintf("s%d", i), 4, between(6*time.Millisecond, 10*time.Millisecond)))
	}
	return all
}

// load is what a stream of calls came to.
type load struct {
	mu     sync.Mutex
	took   []time.Duration
	failed int
}

// offer makes so many calls a second for a while, whatever becomes of them, each
// with so much time; it returns when all have ended.
func (f *fleet) offer(ctx context.Context, rate float64, span, left time.Duration) *load {
	l := &load{}
	var wg sync.WaitGroup
	began := time.Now()
	for at := time.Duration(0); ; {
		at += time.Duration(rand.ExpFloat64() / rate * float64(time.Second))
		if at > span {
			break
		}
		time.Sleep(time.Until(began.Add(at)))
		wg.Go(func() {
			start := time.Now()
			e := &event.Event{Key: fmt.Append(nil, rand.N(1000))}
			e.Timeline.Start(start)
			_, err := f.Invoke(ctx, &model.Request{Items: []model.Item{{Event: e, Deadline: start.Add(left)}}})
			l.mu.Lock()
			defer l.mu.Unlock()
			if l.took = append(l.took, time.Since(start)); err != nil {
				l.failed++
			}
		})
	}
	wg.Wait()
	synctest.Wait() // second calls that were beaten look at no server any more
	slices.Sort(l.took)
	return l
}

func (l *load) quantile(q float64) time.Duration { return l.took[int(q*float64(len(l.took)-1))] }

func (f *fleet) reset() {
	for _, s := range f.servers {
		s.calls.Store(0)
		s.done.Store(0)
	}
}

// calls are those that the servers got.
func (f *fleet) calls() (all int64, each []int64) {
	for _, s := range f.servers {
		each = append(each, s.calls.Load())
		all += s.calls.Load()
	}
	return all, each
}

// simulate runs a test in a bubble; what it leaves under way is ended.
func simulate(t *testing.T, test func(*testing.T, context.Context)) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		test(t, ctx)
	})
}

// books says whether nothing is under way any more.
func (f *fleet) books(t *testing.T) {
	t.Helper()
	for _, s := range f.Snapshots() {
		if s.InFlight != 0 {
			t.Errorf("%s: %d calls are under way when none is", s.Name, s.InFlight)
		}
	}
	f.line.mu.Lock()
	defer f.line.mu.Unlock()
	if f.line.underWay != 0 || f.line.returns != 0 || f.line.waiting.Len() != 0 {
		t.Errorf("%d under way, %d will return, %d wait", f.line.underWay, f.line.returns, f.line.waiting.Len())
	}
}

func TestEqualEndpointsGetEqualShares(t *testing.T) {
	for name, took := range map[string]func() time.Duration{
		"6 to 10 ms":      between(6*time.Millisecond, 10*time.Millisecond),
		"any time":        func() time.Duration { return time.Duration(rand.ExpFloat64() * float64(8*time.Millisecond)) },
		"1 to 64 at once": func() time.Duration { return 4*time.Millisecond + time.Duration(rand.N(64))*100*time.Microsecond },
	} {
		for _, rate := range []float64{100, 1000} {
			t.Run(fmt.Sprintf("%s, %.0f/s", name, rate), func(t *testing.T) {
				simulate(t, func(t *testing.T, ctx context.Context) {
					servers := ten()
					for _, s := range servers {
						s.took = took
					}
					f := newFleet(DefaultConfig(), servers)
					f.offer(ctx, rate, max(20*time.Second, time.Duration(10_000/rate*float64(time.Second))), time.Second)
					all, each := f.calls()
					if most := slices.Max(each); float64(most) > 1.1*float64(all)/10 {
						t.Errorf("%d of %d calls went to one: %v", most, all, each)
					}
					f.books(t)
				})
			})
		}
	}
}

func TestASlowEndpointIsLeftAlone(t *testing.T) {
	simulate(t, func(t *testing.T, ctx context.Context) {
		healthy := newFleet(DefaultConfig(), ten()).offer(ctx, 500, 20*time.Second, time.Second).quantile(0.99)
		servers := ten()
		servers[3].took = between(60*time.Millisecond, 100*time.Millisecond)
		f := newFleet(DefaultConfig(), servers)
		f.offer(ctx, 500, 3*time.Second, time.Second)
		f.reset()
		l := f.offer(ctx, 500, 40*time.Second, time.Second)
		all, each := f.calls()
		if each[3]*1000 > all {
			t.Errorf("%d of %d calls went to the slow one", each[3], all)
		}
		if p99 := l.quantile(0.99); p99 > healthy*11/10 {
			t.Errorf("p99 %v, of a fleet without a slow one %v", p99, healthy)
		}
		f.books(t)
	})
}
