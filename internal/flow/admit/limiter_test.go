package admit

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/budget"
	"betimes/internal/event"
	"betimes/internal/model"
	"betimes/internal/model/modeltest"
)

func TestALimiterPassesTheExerciseOfEveryInvoker(t *testing.T) {
	modeltest.Exercise(t, func(t *testing.T, b modeltest.Behaviour) model.Invoker {
		return New(DefaultConfig(), modeltest.Scripted(t, b), Deps{Model: "m"})
	}, model.ClassModelFault, model.ClassBadInput, model.ClassThrottled, model.ClassConnection)
}

// server is a model of so many executors, before which calls wait in order: the
// first places of the line are balance's, which begins no call too late.
type server struct {
	service   func() time.Duration
	executors chan struct{}
	mu        sync.Mutex
	inside    bool // the line is within the endpoint, where no call ends that has begun
	asked     int
	expired   int // asked about after their deadline
}

func newServer(executors int, service func() time.Duration) *server {
	return &server{service: service, executors: make(chan struct{}, executors)}
}

func (s *server) Invoke(_ context.Context, r *model.Request) (*model.Response, error) {
	e, latest := r.Items[0].Event, r.Latest()
	if s.inside {
		e.Timeline.Mark(event.StageBalance, time.Now())
		latest = time.Time{}
	}
	s.executors <- struct{}{}
	defer func() { <-s.executors }()
	now := time.Now()
	if !latest.IsZero() && !now.Before(latest) {
		e.Timeline.Mark(event.StageBalance, now)
		return nil, &model.Error{Class: model.ClassLate}
	}
	s.mu.Lock()
	s.asked++
	if e.Late(now) && !s.inside {
		s.expired++
	}
	d := s.service()
	s.mu.Unlock()
	if !s.inside {
		e.Timeline.Mark(event.StageBalance, now)
	}
	time.Sleep(d)
	e.Timeline.Mark(event.StageNetwork, time.Now())
	return &model.Response{Answers: make([]model.Answer, 1)}, nil
}

// tally is what became of events.
type tally struct {
	mu                         sync.Mutex
	offered, good, late, shed  int
	byPriority, goodByPriority [10]int
}

// load sends events at a rate for a while through so many hands, in order, as
// stream does.
func load(l *Limiter, rate float64, span, deadline time.Duration, hands int, priority func() int) *tally {
	out, line := &tally{}, make(chan *event.Event, 1<<16)
	var done sync.WaitGroup
	for range hands {
		done.Go(func() {
			for e := range line {
				_, err := l.Invoke(context.Background(), &model.Request{Items: []model.Item{{Event: e, Deadline: e.Deadline}}})
				out.count(e, err)
			}
		})
	}
	end := time.Now().Add(span)
	for time.Now().Before(end) {
		now := time.Now()
		e := &event.Event{Received: now, Deadline: now.Add(deadline), Priority: priority(), Attempts: 1}
		e.Timeline.Start(now)
		out.offered++
		out.byPriority[e.Priority]++
		line <- e
		time.Sleep(time.Duration(rand.ExpFloat64() / rate * float64(time.Second)))
	}
	close(line)
	done.Wait()
	return out
}

func (t *tally) count(e *event.Event, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case err != nil:
		t.shed++
	case e.Late(time.Now()):
		t.late++
	default:
		t.good++
		t.goodByPriority[e.Priority]++
	}
}

func usual() int { return 5 }

func TestUnderOverloadTheModelStaysBusyWithEventsThatAreInTime(t *testing.T) {
	jitter := func() time.Duration { return 3*time.Millisecond + rand.N(2*time.Millisecond) }
	cases := map[string]struct {
		load   float64
		hands  int
		inside bool
	}{
		"half as much again":                        {1.5, 64, false},
		"ten times as much":                         {10, 64, false},
		"with more hands than there is time":        {1.5, 1024, false},
		"with as many hands as there are executors": {1.5, 2, false},
		"with the line inside the endpoint":         {1.5, 64, true},
		"with a long line inside the endpoint":      {10, 1024, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(2, jitter)
				s.inside = c.inside
				l := New(Config{Late: Shed, Backlog: Predict}, s, Deps{Model: "m"})
				capacity := 2 / (4 * time.Millisecond).Seconds()
				got := load(l, c.load*capacity, 10*time.Second, 50*time.Millisecond, c.hands, usual)
				share := float64(got.good) / (capacity * 10)
				t.Logf("offered %d, good %d (%.3f of the capacity), shed %d, late %d, asked %d", got.offered, got.good, share, got.shed, got.late, s.asked)
				if share < 0.85 || got.late > 0 || s.expired > 0 || got.good+got.shed != got.offered {
					t.Errorf("%+v, expired %d", got, s.expired)
				}
				told := l.Snapshot()
				in := told.Decisions[passed] + told.Decisions[probed]
				if told.Inside != 0 || told.AloneUS == 0 || in < int64(got.good) || in > int64(got.offered) || in+told.Decisions["would_be_late"] > int64(got.offered) {
					t.Errorf("the pulse says %+v", told)
				}
			})
		})
	}
}

func TestEventsOfAnIdleModelAreAllLetIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(2, func() time.Duration { return 4 * time.Millisecond })
		got := load(New(Config{Late: Shed, Backlog: Predict}, s, Deps{Model: "m"}), 250, 10*time.Second, 50*time.Millisecond, 64, usual)
		if got.good != got.offered {
			t.Errorf("%+v", got)
		}
	})
}

func TestPrioritiesAboveKeepTheirShareUnderOverload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(2, func() time.Duration { return 4 * time.Millisecond })
		mixed := func() int {
			if rand.N(10) < 3 {
				return 9
			}
			return rand.N(6)
		}
		got := load(New(Config{Late: Shed, Backlog: Predict}, s, Deps{Model: "m"}), 1000, 10*time.Second, 50*time.Millisecond, 64, mixed)
		share := func(p int) float64 { return float64(got.goodByPriority[p]) / float64(got.byPriority[p]) }
		t.Logf("0: %.2f, 5: %.2f, 9: %.3f; good %d of %d", share(0), share(5), share(9), got.good, 500*10)
		if share(9) < 0.94 || share(0) > share(5) || got.good < 4500 {
			t.Errorf("in time of the lowest %.2f, of the usual %.2f, of the highest %.2f; %+v", share(0), share(5), share(9), got)
		}
	})
}

func TestAModelThatBecomesSlowerOrQuickerIsLearnedInSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := 4 * time.Millisecond
		s := newServer(4, func() time.Duration { return service })
		l := New(Config{Late: Shed, Backlog: Predict}, s, Deps{Model: "m"})
		load(l, 1200, 5*time.Second, 50*time.Millisecond, 64, usual)
		for _, step := range []time.Duration{12 * time.Millisecond, 100 * time.Millisecond, 4 * time.Millisecond} {
			s.mu.Lock()
			service = step
			s.mu.Unlock()
			load(l, 1200, 5*time.Second, 50*time.Millisecond, 64, usual) // to learn
			got := load(l, 1200, 5*time.Second, 50*time.Millisecond, 64, usual)
			capacity := min(4/step.Seconds(), 1200)
			share := float64(got.good) / (capacity * 5)
			t.Logf("%v: good %d (%.2f of the capacity), shed %d", step, got.good, share, got.shed)
			if step < 50*time.Millisecond && share < 0.9 {
				t.Errorf("at %v only %.2f of the capacity is in time", step, share)
			}
			if step > 50*time.Millisecond && got.good > 0 {
				t.Errorf("at %v %d are in time", step, got.good)
			}
		}
	})
}

func TestWhatIsLearnedOnlyBetweenAnswersStopsNobodyForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := true
		s := newServer(2, func() time.Duration {
			if slow {
				return time.Second
			}
			return time.Millisecond
		})
		l := New(Config{Late: Shed, Backlog: Predict}, s, Deps{Model: "m"})
		load(l, 100, 10*time.Second, 50*time.Millisecond, 64, usual)
		asked := s.asked
		slow = false
		got := load(l, 100, 2*time.Second, 50*time.Millisecond, 64, usual)
		if got.good < got.offered/2 {
			t.Errorf("asked %d times while slow; then %+v", asked, got)
		}
	})
}

func TestBacklogIsPredictedUnlessItIsToBeShed(t *testing.T) {
	for backlog, wantShed := range map[string]bool{Predict: false, Shed: true} {
		l := New(Config{Late: Shed, Backlog: backlog}, newServer(1, func() time.Duration { return 0 }), Deps{Model: "m"})
		e := &event.Event{Backlog: true, Received: time.Now().Add(-time.Hour), Deadline: time.Now().Add(-time.Minute)}
		_, err := l.Invoke(t.Context(), &model.Request{Items: []model.Item{{Event: e}}})
		if (err != nil) != wantShed {
			t.Errorf("backlog: %s: %v", backlog, err)
		}
	}
}

func TestARefusalSaysWhyAndTheEventKeepsIt(t *testing.T) {
	l := New(Config{Late: Shed, Backlog: Predict}, newServer(1, func() time.Duration { return 0 }), Deps{Model: "m"})
	e := &event.Event{Received: time.Now().Add(-time.Second), Deadline: time.Now().Add(-time.Millisecond)}
	_, err := l.Invoke(t.Context(), &model.Request{Items: []model.Item{{Event: e}}})
	why, is := errors.AsType[*Refusal](err)
	if !is || why.Reason != event.ReasonLate || model.ClassOf(err) != model.ClassLate {
		t.Fatalf("%v", err)
	}
	if all := e.Decisions.All(); len(all) != 1 || all[0].What != "late" {
		t.Errorf("%v", all)
	}
}

func TestAnAnswerAfterTheDeadlineIsShedOrMarked(t *testing.T) {
	for late, wantErr := range map[string]bool{Shed: true, Predict: false} {
		synctest.Test(t, func(t *testing.T) {
			l := New(Config{Late: late, Backlog: Predict, Fallback: "other"}, newServer(1, func() time.Duration { return 100 * time.Millisecond }), Deps{Model: "m"})
			now := time.Now()
			e := &event.Event{Received: now, Deadline: now.Add(50 * time.Millisecond)}
			e.Timeline.Start(now)
			_, err := l.Invoke(t.Context(), &model.Request{Items: []model.Item{{Event: e}}})
			why, is := errors.AsType[*Refusal](err)
			if (err != nil) != wantErr || wantErr && (!is || !why.Asked) {
				t.Errorf("late: %s: %v", late, err)
			}
		})
	}
}

func TestAModelThatStallsNowAndThenLosesOnlyWhatItStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, stalled := time.Now(), 0
		s := newServer(2, func() time.Duration {
			if time.Since(began)%(2*time.Second) > 1980*time.Millisecond {
				stalled++
				return 60 * time.Millisecond
			}
			return 4 * time.Millisecond
		})
		got := load(New(Config{Late: Shed, Backlog: Predict}, s, Deps{Model: "m"}), 200, 20*time.Second, 50*time.Millisecond, 64, usual)
		if lost := got.offered - got.good; lost > stalled+got.offered/25 {
			t.Errorf("%d of %d events lost, %d met a stall", lost, got.offered, stalled)
		}
	})
}

func TestAnEventWithoutTimeForItsCallIsAskedAboutOnlyWhenNothingElseCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		live := &budget.Live{}
		published(live, 30*time.Millisecond, 20) // longer than the events have
		s := newServer(1, func() time.Duration { return time.Millisecond })
		l := New(Config{Late: Shed}, s, Deps{Model: "m", Live: live})
		load(l, 200, 10*time.Second, 20*time.Millisecond, 8, usual)
		if s.asked < 8 || s.asked > 12 {
			t.Errorf("%d events of ten seconds were asked about, want one a second", s.asked)
		}
	})
}

func TestAModelIsToldThatThereIsTimeWheneverItIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		live := &budget.Live{}
		published(live, 30*time.Millisecond, 20)
		fake := &modeltest.Fake{}
		l := New(Config{Late: Shed}, fake, Deps{Model: "m", Live: live})
		now := time.Now()
		e := &event.Event{Received: now, Deadline: now.Add(20 * time.Millisecond)}
		e.Timeline.Start(now)
		r := &model.Request{Items: []model.Item{{Event: e, Deadline: live.AnswerBy(e.Deadline)}}} // none is left
		published(live, time.Millisecond, 200)                                                    // in the meantime
		e.Deadline = time.Now().Add(10 * time.Millisecond)
		if _, err := l.Invoke(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		it := r.Items[0]
		if !it.Latest.Before(it.Deadline) || !it.Deadline.Equal(live.AnswerBy(e.Deadline)) {
			t.Errorf("asked until %v before the deadline, told that the answer must be there %v before it", e.Deadline.Sub(it.Latest), e.Deadline.Sub(it.Deadline))
		}
	})
}

// published lets live see so many events that took as long to be published.
func published(live *budget.Live, took time.Duration, n int) {
	for range n {
		var clock event.Timeline
		clock.Start(time.Now())
		clock.Mark(event.StagePublish, time.Now().Add(took))
		live.Observe(&clock, time.Now())
		time.Sleep(10 * time.Millisecond)
	}
}
