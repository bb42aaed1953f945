package balance

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"betimes/internal/event"
	"betimes/internal/model"
)

// hedged is what is used where nothing else is said.
func hedged() Config {
	c := DefaultConfig()
	h := DefaultHedge()
	c.Hedge = &h
	return c
}

// stalls makes one call in a hundred of every server 100 ms longer.
func stalls(servers []*server) []*server {
	for _, s := range servers {
		quick := s.took
		s.took = func() time.Duration {
			if rand.N(100) == 0 {
				return quick() + 100*time.Millisecond
			}
			return quick()
		}
	}
	return servers
}

func TestEveryQuantileThatCanBeWrittenIsTaken(t *testing.T) {
	for text, want := range map[string]string{"p50": "p50", "p95": "p95", "p99.9": "p99.9", "p99.95": "no", "p49": "no", "95": "no"} {
		c := DefaultHedge()
		got := "no"
		if err := c.At.UnmarshalText([]byte(text)); err == nil && len(c.Validate()) == 0 {
			got = c.At.String()
		}
		if got != want {
			t.Errorf("%s is taken as %s, want %s", text, got, want)
		}
	}
}

func TestASecondCallShortensTheTailWithinItsBudget(t *testing.T) {
	simulate(t, func(t *testing.T, ctx context.Context) {
		plain := newFleet(DefaultConfig(), stalls(ten())).offer(ctx, 400, 60*time.Second, time.Second)
		f := newFleet(hedged(), stalls(ten()))
		f.offer(ctx, 400, 3*time.Second, time.Second)
		f.reset()
		l := f.offer(ctx, 400, 60*time.Second, time.Second)
		all, _ := f.calls()
		if extra := float64(all)/float64(len(l.took)) - 1; extra > 0.03 {
			t.Errorf("%.2f%% more calls", 100*extra)
		}
		if with, without := l.quantile(0.999), plain.quantile(0.999); with > without/4 {
			t.Errorf("p99.9 %v, without second calls %v", with, without)
		}
		if l.failed > 0 {
			t.Errorf("%d failed", l.failed)
		}
		synctest.Wait()
		f.books(t)
	})
}

func TestNoSecondCallsWhileMostIsUsedOrCallsFail(t *testing.T) {
	second := func(f *fleet) (n float64) {
		for _, e := range f.Snapshots() {
			n += float64(e.Hedges["won"] + e.Hedges["lost"] + e.Hedges["failed"])
		}
		return n
	}
	for _, tt := range []struct {
		name string
		rate float64 // of 5000/s that the servers can do
		fail bool
		most float64 // share of second calls
	}{
		{"nine tenths are used", 4500, false, 0.002},
		{"calls fail", 400, true, 0.004},
	} {
		t.Run(tt.name, func(t *testing.T) {
			simulate(t, func(t *testing.T, ctx context.Context) {
				servers := stalls(ten())
				f := newFleet(hedged(), servers)
				f.offer(ctx, tt.rate, 5*time.Second, time.Second)
				if tt.fail {
					for _, s := range servers {
						quick := s.took
						s.took = func() time.Duration {
							if rand.N(10) == 0 {
								s.fails.Store(int32(model.ClassModelFault))
							} else {
								s.fails.Store(0)
							}
							return quick()
						}
					}
					f.offer(ctx, tt.rate, time.Second, time.Second)
				}
				before := second(f)
				l := f.offer(ctx, tt.rate, 10*time.Second, time.Second)
				if n := second(f) - before; n > tt.most*float64(len(l.took)) {
					t.Errorf("%.0f second calls for %d", n, len(l.took))
				}
				synctest.Wait()
				f.books(t)
			})
		})
	}
}

func TestAnEventHasOneAnswerAndOnlyItsOwnCallWritesOnIt(t *testing.T) {
	simulate(t, func(t *testing.T, ctx context.Context) {
		c := hedged()
		c.Hedge.Budget = 1
		f := newFleet(c, ten()[:2])
		f.offer(ctx, 100, 3*time.Second, time.Second)
		won := 0
		for _, s := range f.servers {
			quick := s.took
			s.took = func() time.Duration { return 200 * time.Millisecond }
			for range 2 { // one of both goes there first
				e := &event.Event{}
				e.Timeline.Start(time.Now())
				began := time.Now()
				resp, err := f.Invoke(ctx, &model.Request{Items: []model.Item{{Event: e}}})
				took := time.Since(began)
				if err != nil || len(resp.Answers) != 1 || resp.Endpoint == s.name || took > 50*time.Millisecond {
					t.Errorf("%v %v after %v", resp, err, took)
				}
				if off := e.Timeline.Total() - took; off.Abs() > 2*time.Microsecond {
					t.Errorf("%v says %s", took, e.Timeline.AppendHeader(nil))
				}
				if said := string(e.Decisions.AppendHeader(nil)); strings.Contains(said, "balance:hedge:"+resp.Endpoint+",won") {
					won++
				}
			}
			s.took = quick
		}
		if won == 0 {
			t.Error("no event says that a second call was quicker")
		}
		time.Sleep(time.Second)
		f.books(t)
	})
}

func TestNoSecondCallsForAWhileAfterARefusalForLoad(t *testing.T) {
	simulate(t, func(t *testing.T, ctx context.Context) {
		servers := stalls(ten())
		f := newFleet(hedged(), servers)
		second := func() (n float64) {
			for _, e := range f.endpoints {
				n += counted(e.meter.hedges("won")) + counted(e.meter.hedges("lost"))
			}
			return n
		}
		f.offer(ctx, 400, 3*time.Second, time.Second)
		servers[0].fails.Store(int32(model.ClassThrottled))
		f.offer(ctx, 400, 200*time.Millisecond, time.Second)
		servers[0].fails.Store(0)
		before := second()
		f.offer(ctx, 400, 25*time.Second, time.Second)
		if n := second() - before; n > 0 {
			t.Errorf("%.0f second calls within 25 s", n)
		}
		f.offer(ctx, 400, 10*time.Second, time.Second)
		if second() == before {
			t.Error("none since")
		}
	})
}

func TestACallThatHasFailedHoldsNoSlotWhileTheSecondIsUnderWay(t *testing.T) {
	simulate(t, func(t *testing.T, ctx context.Context) {
		c := hedged()
		c.Hedge.Budget = 1
		servers := ten()[:2]
		f := newFleet(c, servers)
		f.offer(ctx, 100, 3*time.Second, time.Second)
		for _, e := range f.endpoints {
			e.door = failsLater{}
		}
		for range 4 {
			go func() { _, _ = f.Invoke(ctx, &model.Request{Items: []model.Item{{Event: &event.Event{}}}}) }()
		}
		time.Sleep(150 * time.Millisecond)
		if n := f.Snapshots()[0].InFlight + f.Snapshots()[1].InFlight; n != 4 {
			t.Errorf("%d calls are under way, of which 4 are second ones", n)
		}
		time.Sleep(time.Minute)
		f.books(t)
	})
}

// failsLater fails a first call after 100 ms, and a second one, which is not the
// event's own, after half a minute.
type failsLater struct{}

func (failsLater) Invoke(ctx context.Context, r *model.Request) (*model.Response, error) {
	took := 30 * time.Second
	if r.Items[0].Event != nil {
		took = 100 * time.Millisecond
	}
	sleep(ctx, took)
	return nil, &model.Error{Class: model.ClassModelFault}
}

func TestASecondCallThatPanicsEndsNothingElse(t *testing.T) {
	simulate(t, func(t *testing.T, ctx context.Context) {
		servers := ten()[:2]
		f := newFleet(hedged(), servers)
		f.offer(ctx, 100, 3*time.Second, time.Second)
		servers[0].took = func() time.Duration { return 50 * time.Millisecond }
		f.endpoints[1].door = panics{}
		for range 20 {
			func() {
				defer func() { _ = recover() }() // the first call's own
				_, _ = f.Invoke(ctx, &model.Request{Items: []model.Item{{}}})
			}()
		}
		time.Sleep(time.Second)
		f.books(t)
	})
}

// refusesLater takes no event, and says so after a while.
type refusesLater struct{}

func (refusesLater) Invoke(ctx context.Context, _ *model.Request) (*model.Response, error) {
	sleep(ctx, 100*time.Millisecond)
	return nil, &model.Error{Class: model.ClassBadInput}
}

func TestAnEventThatTheModelRefusesWaitsForNoSecondCall(t *testing.T) {
	simulate(t, func(t *testing.T, ctx context.Context) {
		servers := ten()[:2]
		f := newFleet(hedged(), servers)
		f.offer(ctx, 100, 10*time.Second, time.Second)
		hang := make(chan struct{})
		for _, s := range servers {
			s.hangs.Store(&hang)
		}
		first := &sync.Once{}
		for i, e := range f.endpoints {
			e.door = firstOnly{first, refusesLater{}, servers[i]}
		}
		began := time.Now()
		_, err := f.Invoke(ctx, &model.Request{Items: []model.Item{{}}})
		if took := time.Since(began); model.ClassOf(err) != model.ClassBadInput || took > 200*time.Millisecond {
			t.Errorf("%v after %v", err, took)
		}
		synctest.Wait()
		f.books(t)
		close(hang)
	})
}

// firstOnly asks one for the first call of all, the other for those after it.
type firstOnly struct {
	once        *sync.Once
	first, then model.Invoker
}

func (f firstOnly) Invoke(ctx context.Context, r *model.Request) (*model.Response, error) {
	door := f.then
	f.once.Do(func() { door = f.first })
	return door.Invoke(ctx, r)
}

func TestNoSecondCallIsMadeForAFirstThatPanicked(t *testing.T) {
	simulate(t, func(t *testing.T, ctx context.Context) {
		servers := ten()[:2]
		f := newFleet(hedged(), servers)
		f.offer(ctx, 100, 3*time.Second, time.Second)
		f.endpoints[0].door, f.endpoints[1].door = panics{}, panics{}
		before, _ := f.calls()
		for range 2 { // more, and none is made because calls fail
			func() {
				defer func() { _ = recover() }()
				_, _ = f.Invoke(ctx, &model.Request{Items: []model.Item{{}}})
			}()
		}
		f.endpoints[0].door, f.endpoints[1].door = servers[0], servers[1]
		time.Sleep(time.Second)
		if after, _ := f.calls(); after != before {
			t.Errorf("%d calls for nobody", after-before)
		}
		f.books(t)
	})
}

// panicsLater panics after a while.
type panicsLater struct{}

func (panicsLater) Invoke(ctx context.Context, _ *model.Request) (*model.Response, error) {
	sleep(ctx, 100*time.Millisecond)
	panic("bad")
}

func TestAFirstCallThatPanicsEndsTheSecond(t *testing.T) {
	simulate(t, func(t *testing.T, ctx context.Context) {
		servers := ten()[:2]
		f := newFleet(hedged(), servers)
		f.offer(ctx, 100, 10*time.Second, time.Second)
		hang := make(chan struct{})
		first := &sync.Once{}
		for i, e := range f.endpoints {
			servers[i].hangs.Store(&hang)
			e.door = firstOnly{first, panicsLater{}, servers[i]}
		}
		f.reset()
		func() {
			defer func() { _ = recover() }() // as stream
			_, _ = f.Invoke(ctx, &model.Request{Items: []model.Item{{}}})
		}()
		if all, _ := f.calls(); all != 1 {
			t.Fatalf("%d second calls", all)
		}
		synctest.Wait()
		f.books(t)
		close(hang)
	})
}

func TestNoSecondCallBeginsAfterTheLatestMomentForIt(t *testing.T) {
	simulate(t, func(t *testing.T, ctx context.Context) {
		f := newFleet(hedged(), ten()[:2])
		f.offer(ctx, 100, 10*time.Second, time.Second)
		for _, s := range f.servers {
			s.took = func() time.Duration { return 200 * time.Millisecond }
		}
		f.reset()
		latest := time.Now().Add(5 * time.Millisecond) // the first begins, the second would after 10 ms
		if _, err := f.Invoke(ctx, &model.Request{Items: []model.Item{{Latest: latest}}}); err != nil {
			t.Error(err)
		}
		if all, _ := f.calls(); all != 1 {
			t.Errorf("%d calls", all)
		}
		if n := counted(f.endpoints[0].meter.hedges("late")) + counted(f.endpoints[1].meter.hedges("late")); n != 1 {
			t.Errorf("%v second calls were too late", n)
		}
		if _, err := f.Invoke(ctx, &model.Request{Items: []model.Item{{}}}); err != nil {
			t.Error(err)
		}
		if all, _ := f.calls(); all != 3 {
			t.Errorf("%d calls, without a latest moment there is a second", all)
		}
	})
}

type panics struct{}

func (panics) Invoke(context.Context, *model.Request) (*model.Response, error) { panic("bad") }

func TestTheBooksAreRightAfterSecondCallsAndCancels(t *testing.T) {
	simulate(t, func(t *testing.T, ctx context.Context) {
		f := newFleet(hedged(), stalls(ten()))
		f.offer(ctx, 400, 3*time.Second, time.Second)
		var wg sync.WaitGroup
		for i := range 10_000 {
			if i%10 == 0 {
				time.Sleep(10 * time.Millisecond)
			}
			wg.Go(func() {
				own, cancel := context.WithTimeout(ctx, time.Duration(rand.N(60))*time.Millisecond)
				defer cancel()
				_, _ = f.Invoke(own, &model.Request{Items: []model.Item{{Deadline: time.Now().Add(30 * time.Millisecond)}}})
			})
		}
		wg.Wait()
		synctest.Wait()
		f.books(t)
	})
}

// counted is the value of a counter.
func counted(c prometheus.Counter) float64 {
	var m dto.Metric
	if err := c.Write(&m); err != nil {
		return -1
	}
	return m.GetCounter().GetValue()
}
