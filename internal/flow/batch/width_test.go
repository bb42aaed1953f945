package batch

import (
	"context"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/model"
)

func TestTheNumberOfExecutorsIsLearnedAnewWhenItChanges(t *testing.T) {
	const (
		turn   = 13 * time.Second // of the change: the next trial that nobody asks for is far away
		within = 10 * time.Second // promised are seconds
		every  = 100 * time.Millisecond
	)
	for _, change := range []struct{ from, to int }{{2, 8}, {1, 2}, {8, 2}, {4, 1}} {
		for seed := range uint64(2) {
			synctest.Test(t, func(t *testing.T) {
				e := newExecutors(change.from, 20*time.Millisecond, 100*time.Microsecond)
				e.jitter = rand.New(rand.NewPCG(seed, 2))
				q := queue(t, DefaultConfig(), e)
				found := func(want int) (yes bool) { // a quarter more or less is as good
					got, _ := learned(q)
					return 4*got >= 3*want && 4*got <= 5*want
				}
				var before, after bool
				looked := make(chan struct{})
				time.AfterFunc(turn, func() {
					defer close(looked)
					before = found(change.from)
					e.swap(change.to)
					for end := time.Now().Add(within); time.Now().Before(end) && !after; time.Sleep(every) {
						after = found(change.to)
					}
				})
				load{rate: 1000}.offer(t, q, turn+within)
				<-looked
				if got, _ := learned(q); !before || !after {
					t.Errorf("%d executors found: %v; then %d: %v; %d calls at once in the end", change.from, before, change.to, after, got)
				}
			})
		}
	}
}

func TestWhatATrialDidNotTellIsTriedAgainAsSoonAsThereIsSomethingToDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue(t, DefaultConfig(), newExecutors(2, 4*time.Millisecond, 100*time.Microsecond))
		load{rate: 1000}.offer(t, q, 60*time.Millisecond) // a trial has begun
		time.Sleep(5 * time.Second)
		load{rate: 1000}.offer(t, q, 2500*time.Millisecond)
		if got, _ := learned(q); got != 2 {
			t.Errorf("%d calls at once", got)
		}
	})
}

// sharing is a model server that works on all calls at once, on so many cores.
type sharing struct {
	*executors
	cores float64
}

func (s *sharing) Invoke(_ context.Context, r *model.Request) (*model.Response, error) {
	left := s.came(len(r.Items)).Seconds()
	const step = 250 * time.Microsecond
	for left > 0 {
		time.Sleep(step)
		s.mu.Lock()
		left -= step.Seconds() * min(1, s.cores/float64(s.here))
		s.mu.Unlock()
	}
	s.mu.Lock()
	s.here--
	s.mu.Unlock()
	out := &model.Response{ContentType: r.ContentType}
	for _, it := range r.Items {
		out.Answers = append(out.Answers, model.Answer{Body: it.Body})
	}
	return out, nil
}

func TestAModelThatSharesItsCoresAmongCallsGetsAsManyAsItHasCores(t *testing.T) {
	for _, cores := range []int{1, 2, 4} {
		synctest.Test(t, func(t *testing.T) {
			e := &sharing{newExecutors(0, 5*time.Millisecond, 100*time.Microsecond), float64(cores)}
			q := queue(t, DefaultConfig(), e)
			load{rate: 1000}.offer(t, q, 3*time.Second)
			if got, _ := learned(q); got < cores || got > cores+1 {
				t.Errorf("%d cores: %d calls at once", cores, got)
			}
		})
	}
}
