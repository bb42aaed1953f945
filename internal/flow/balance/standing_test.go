package balance

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"betimes/internal/model"
)

func TestAnEndpointThatFailsQuicklyAttractsNothing(t *testing.T) {
	for _, class := range []model.Class{model.ClassModelFault, model.ClassUnavailable, model.ClassBadOutput, model.ClassDenied} {
		t.Run(class.String(), func(t *testing.T) {
			simulate(t, func(t *testing.T, ctx context.Context) {
				f := newFleet(DefaultConfig(), ten())
				f.offer(ctx, 500, 3*time.Second, time.Second)
				f.reset()
				f.servers[2].fails.Store(int32(class))
				l := f.offer(ctx, 500, 20*time.Second, time.Second)
				if s := f.Snapshots(); !s[2].Out || s[1].Out || s[1].LearnedUS < 6000 || s[1].LearnedUS > 12_000 {
					t.Errorf("the pulse says of the one that fails %+v, of another %+v", s[2], s[1])
				}
				if all, each := f.calls(); each[2] > 25 {
					t.Errorf("%d of %d calls went to the one that fails", each[2], all)
				}
				if l.failed > 0 {
					t.Errorf("%d events failed", l.failed)
				}
				f.servers[2].fails.Store(0)
				f.offer(ctx, 500, 6*time.Second, time.Second)
				f.reset()
				f.offer(ctx, 500, 10*time.Second, time.Second)
				if all, each := f.calls(); each[2]*12 < all {
					t.Errorf("%d of %d calls go to it since it is well", each[2], all)
				}
				f.books(t)
			})
		})
	}
}

func TestAnEndpointIsNotBlamedForCallsThatWereTooLateToBeSent(t *testing.T) {
	simulate(t, func(t *testing.T, ctx context.Context) {
		f := newFleet(DefaultConfig(), ten())
		f.servers[2].fails.Store(int32(model.ClassLate))
		f.offer(ctx, 500, 5*time.Second, time.Second)
		if s := f.Snapshots(); s[2].Out || !s[2].Up {
			t.Errorf("the pulse says of it %+v", s[2])
		}
		f.books(t)
	})
}

func TestThreeOfTenEndpointsDeadCostFewCalls(t *testing.T) {
	simulate(t, func(t *testing.T, ctx context.Context) {
		f := newFleet(DefaultConfig(), ten())
		for _, s := range f.servers[:3] {
			s.fails.Store(int32(model.ClassConnection))
		}
		l := f.offer(ctx, 500, 30*time.Second, time.Second)
		all, each := f.calls()
		if offered := int64(len(l.took)); all*10 > offered*11 {
			t.Errorf("%d calls for %d events: %v", all, offered, each)
		}
		if l.failed > 0 {
			t.Errorf("%d events failed", l.failed)
		}
		f.books(t)
	})
}

func TestFindingOutAboutADeadEndpointCostsOneCallOfAHundred(t *testing.T) {
	for _, rate := range []float64{1, 50, 120, 500} {
		t.Run(fmt.Sprintf("%.0f/s", rate), func(t *testing.T) {
			simulate(t, func(t *testing.T, ctx context.Context) {
				f := newFleet(DefaultConfig(), ten()[:3])
				f.servers[1].fails.Store(int32(model.ClassConnection))
				for warm, out := 0, false; !out && warm < 20; warm++ { // it may not have been asked yet
					out = f.Snapshots()[1].Out
					f.offer(ctx, rate, 5*time.Second, time.Second)
				}
				f.reset()
				f.offer(ctx, rate, 40*time.Second, time.Second)
				if all, each := f.calls(); each[1] > max(all/100, 4) || each[1] < min(all/200, 10) {
					t.Errorf("%d of %d calls went to it", each[1], all)
				}
			})
		})
	}
}

func TestAnEventThatEveryEndpointFailsOnTakesNoneOut(t *testing.T) {
	simulate(t, func(t *testing.T, ctx context.Context) {
		f := newFleet(DefaultConfig(), ten())
		f.offer(ctx, 500, 3*time.Second, time.Second)
		for _, s := range f.servers {
			s.fails.Store(int32(model.ClassModelFault))
		}
		f.offer(ctx, 500, 5*time.Second, time.Second)
		for _, s := range f.servers {
			s.fails.Store(0)
		}
		f.reset()
		f.offer(ctx, 500, 10*time.Second, time.Second)
		all, each := f.calls()
		for i, n := range each {
			if n*20 < all {
				t.Errorf("endpoint %d got %d of %d calls", i, n, all)
			}
		}
	})
}

func TestAllEndpointsDownAreAskedInTurnAndTheFirstThatAnswersIsUsed(t *testing.T) {
	simulate(t, func(t *testing.T, ctx context.Context) {
		f := newFleet(DefaultConfig(), ten()[:4])
		for _, s := range f.servers {
			s.fails.Store(int32(model.ClassConnection))
		}
		if l := f.offer(ctx, 100, 10*time.Second, 100*time.Millisecond); l.failed != len(l.took) {
			t.Errorf("%d of %d failed", l.failed, len(l.took))
		}
		if f.Err() == nil {
			t.Error("the model counts as up")
		}
		f.servers[2].fails.Store(0)
		f.offer(ctx, 100, time.Second, time.Second)
		if l := f.offer(ctx, 100, 10*time.Second, time.Second); l.failed > 0 {
			t.Errorf("%d of %d failed though one is well", l.failed, len(l.took))
		}
		if f.Err() != nil {
			t.Error(f.Err())
		}
		f.books(t)
	})
}

func TestAnEndpointThatHangsHoldsFewEvents(t *testing.T) {
	simulate(t, func(t *testing.T, ctx context.Context) {
		f := newFleet(DefaultConfig(), ten())
		f.offer(ctx, 500, 3*time.Second, time.Second)
		hang := make(chan struct{})
		f.servers[5].hangs.Store(&hang)
		f.reset()
		var wg sync.WaitGroup
		wg.Go(func() { f.offer(ctx, 500, 20*time.Second, time.Second) })
		time.Sleep(20 * time.Second)
		if n := f.servers[5].calls.Load(); n > 6 {
			t.Errorf("%d calls went to an endpoint that hangs", n)
		}
		f.servers[5].hangs.Store(nil)
		close(hang)
		wg.Wait()
		f.offer(ctx, 500, 5*time.Second, time.Second)
		f.reset()
		f.offer(ctx, 500, 10*time.Second, time.Second)
		if all, each := f.calls(); each[5]*12 < all {
			t.Errorf("%d of %d calls go to it since it answers", each[5], all)
		}
		f.books(t)
	})
}

func TestASlowEndpointThatIsFastAgainIsUsedWithinThreeSecondsAndNotFlooded(t *testing.T) {
	simulate(t, func(t *testing.T, ctx context.Context) {
		servers := ten()
		slow, fast := between(60*time.Millisecond, 100*time.Millisecond), servers[4].took
		servers[4].took = slow
		f := newFleet(DefaultConfig(), servers)
		f.offer(ctx, 500, 10*time.Second, time.Second)
		servers[4].took = fast
		f.reset()
		f.offer(ctx, 500, 3*time.Second, time.Second)
		if n := f.servers[4].calls.Load(); n < 3 {
			t.Errorf("%d calls in three seconds", n)
		}
		for range 10 {
			f.reset()
			f.offer(ctx, 500, time.Second, time.Second)
			if all, each := f.calls(); each[4]*5 > all {
				t.Errorf("%d of %d calls went to the one that came back", each[4], all)
			}
		}
		f.reset()
		f.offer(ctx, 500, 5*time.Second, time.Second)
		if all, each := f.calls(); each[4]*13 < all {
			t.Errorf("%d of %d calls go to it after 13 s", each[4], all)
		}
	})
}

func TestEndpointsOfDifferentSizeAreUsedAlike(t *testing.T) {
	simulate(t, func(t *testing.T, ctx context.Context) {
		servers := []*server{newServer("one", 4, between(8*time.Millisecond, 12*time.Millisecond)), newServer("two", 8, between(8*time.Millisecond, 12*time.Millisecond)), newServer("four", 16, between(8*time.Millisecond, 12*time.Millisecond))}
		f := newFleet(DefaultConfig(), servers)
		const capacity = 2800.0
		f.offer(ctx, 0.95*capacity, 5*time.Second, time.Second)
		f.reset()
		f.offer(ctx, 0.95*capacity, 20*time.Second, time.Second)
		all, each := f.calls()
		for i, size := range []float64{4, 8, 16} {
			used := float64(each[i]) / (float64(all) * size / 28)
			if used < 0.9 || used > 1.1 {
				t.Errorf("%s gets %.0f%% of what it should: %v", servers[i].name, 100*used, each)
			}
		}
	})
}

func TestTheBooksAreRightAfterCancelsAndTimeouts(t *testing.T) {
	simulate(t, func(t *testing.T, ctx context.Context) {
		f := newFleet(DefaultConfig(), ten())
		classes := []model.Class{0, 0, 0, model.ClassThrottled, model.ClassConnection, model.ClassModelFault, model.ClassNotReady}
		var wg sync.WaitGroup
		for i := range 100_000 { // at once about a thousand
			if i%100 == 0 {
				time.Sleep(3 * time.Millisecond)
				f.servers[rand.N(10)].fails.Store(int32(classes[rand.N(len(classes))]))
			}
			wg.Go(func() {
				own, cancel := context.WithTimeout(ctx, time.Duration(rand.N(40))*time.Millisecond)
				defer cancel()
				if i%3 == 0 {
					time.AfterFunc(time.Duration(rand.N(30))*time.Millisecond, cancel)
				}
				_, _ = f.Invoke(own, &model.Request{Items: []model.Item{{Deadline: time.Now().Add(30 * time.Millisecond)}}})
			})
		}
		wg.Wait()
		f.books(t)
	})
}
