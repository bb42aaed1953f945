package batch

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/model"
)

// executors is a model server that works on so many calls at once and lets the
// others wait, in turn, refusing none.
type executors struct {
	begin       chan struct{} // room for as many as there are
	fixed, each time.Duration
	times       float64 // slower than that; 0: not
	jitter      *rand.Rand
	mu          sync.Mutex
	sizes       []int
	most        int // calls at once that were there
	here        int
}

func newExecutors(n int, fixed, each time.Duration) *executors {
	return &executors{begin: make(chan struct{}, n), fixed: fixed, each: each, jitter: rand.New(rand.NewPCG(1, 2))}
}

func (e *executors) Capacity() (free, limit int, service time.Duration) { return 256, 256, 0 }
func (e *executors) Version() string                                    { return "" }

func (e *executors) Invoke(ctx context.Context, r *model.Request) (*model.Response, error) {
	took := e.came(len(r.Items))
	e.begin <- struct{}{}
	time.Sleep(took)
	<-e.begin
	e.mu.Lock()
	e.here--
	e.mu.Unlock()
	out := &model.Response{ContentType: r.ContentType}
	for _, it := range r.Items {
		out.Answers = append(out.Answers, model.Answer{Body: it.Body})
	}
	return out, nil
}

// came notes a call and draws how long it takes: a tenth more or less.
func (e *executors) came(n int) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sizes = append(e.sizes, n)
	e.here++
	e.most = max(e.most, e.here)
	took := float64(e.fixed+time.Duration(n)*e.each) * (0.9 + 0.2*e.jitter.Float64())
	if e.times > 0 {
		took *= e.times
	}
	return time.Duration(took)
}

// reference is what knows how many executors there are: as many workers, of which
// each takes all that waits, up to 32, the moment it is free.
type reference struct {
	line chan *waiting
	e    *executors
}

type waiting struct {
	item model.Item
	done chan struct{}
}

func newReference(e *executors, workers int) *reference {
	r := &reference{make(chan *waiting, 1<<16), e}
	for range workers {
		go r.work()
	}
	return r
}

func (r *reference) work() {
	for first := range r.line {
		all := []*waiting{first}
		for more := true; more && len(all) < 32; {
			select {
			case w := <-r.line:
				all = append(all, w)
			default:
				more = false
			}
		}
		req := &model.Request{}
		for _, w := range all {
			req.Items = append(req.Items, w.item)
		}
		_, _ = r.e.Invoke(context.Background(), req)
		for _, w := range all {
			close(w.done)
		}
	}
}

func (r *reference) Invoke(_ context.Context, req *model.Request) (*model.Response, error) {
	w := &waiting{req.Items[0], make(chan struct{})}
	r.line <- w
	<-w.done
	return &model.Response{}, nil
}

// load is how events come and how long they have.
type load struct {
	rate       float64 // a second, Poisson
	warm, long time.Duration
	deadline   time.Duration // 0: none
}

// latencies offers a load and gives the times of those who came after the warm-up,
// sorted.
func (l load) latencies(t *testing.T, inv model.Invoker) []time.Duration {
	t.Helper()
	r := rand.New(rand.NewPCG(7, 7))
	var mu sync.Mutex
	var all []time.Duration
	var wg sync.WaitGroup
	start := time.Now()
	for at := time.Duration(0); at < l.warm+l.long; at += time.Duration(r.ExpFloat64() / l.rate * float64(time.Second)) {
		time.Sleep(time.Until(start.Add(at)))
		wg.Go(func() {
			req := request(fmt.Sprint(at.Nanoseconds()))
			if l.deadline > 0 {
				req.Items[0].Deadline = time.Now().Add(l.deadline)
			}
			began := time.Now()
			if _, err := inv.Invoke(t.Context(), req); err != nil {
				t.Error(err)
			}
			took := time.Since(began)
			mu.Lock()
			defer mu.Unlock()
			if at >= l.warm {
				all = append(all, took)
			}
		})
	}
	wg.Wait()
	if q, is := inv.(*Queue); is {
		idle(q)
	}
	slices.Sort(all)
	return all
}

// idle returns when no call is under way: an answer may be looked at again when all are
// told.
func idle(q *Queue) {
	for q.Snapshot().UnderWay > 0 {
		time.Sleep(time.Millisecond) // of the bubble
	}
}

// learned is what a Queue thinks of its model.
func learned(q *Queue) (level int, c cost) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.width.level, q.cost
}

func quantile(sorted []time.Duration, q float64) time.Duration {
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func TestOneConfigurationIsAsGoodAsKnowingTheModelInEveryRegime(t *testing.T) {
	us := time.Microsecond
	for _, regime := range []struct {
		executors   int
		fixed, each time.Duration
		rate        float64
	}{
		{2, 4000 * us, 100 * us, 100},
		{2, 4000 * us, 100 * us, 1000},
		{2, 4000 * us, 100 * us, 2000},
		{2, 4000 * us, 100 * us, 4000},
		{2, 4000 * us, 100 * us, 6000},
		{2, 20_000 * us, 500 * us, 1000},
		{2, 150 * us, 5 * us, 1000}, // free: the call itself
		{1, 4000 * us, 100 * us, 1000},
		{16, 20_000 * us, 500 * us, 2000},
	} {
		t.Run(fmt.Sprintf("%d executors of %s + %s at %.0f a second", regime.executors, regime.fixed, regime.each, regime.rate), func(t *testing.T) {
			l := load{rate: regime.rate, warm: 2500 * time.Millisecond, long: 3 * time.Second, deadline: 250 * time.Millisecond}
			var ours, theirs []time.Duration
			synctest.Test(t, func(t *testing.T) {
				e := newExecutors(regime.executors, regime.fixed, regime.each)
				q := queue(t, DefaultConfig(), e)
				ours = l.latencies(t, q)
				level, c := learned(q)
				t.Logf("%d calls at once, each of %.3f + %.4f n ± %.3f ms", level, 1e3*c.fixed, 1e3*c.each, 1e3*c.off)
			})
			synctest.Test(t, func(t *testing.T) {
				r := newReference(newExecutors(regime.executors, regime.fixed, regime.each), regime.executors)
				theirs = l.latencies(t, r)
				close(r.line)
			})
			ratio := float64(quantile(ours, 0.99)) / float64(quantile(theirs, 0.99))
			t.Logf("p50 %v against %v, p99 %v against %v: %.2f", quantile(ours, 0.5), quantile(theirs, 0.5), quantile(ours, 0.99), quantile(theirs, 0.99), ratio)
			if ratio > 1.15 {
				t.Errorf("p99 is %.2f times as long", ratio)
			}
		})
	}
}

// offer sends events for so long, and returns before the last ones are answered.
func (l load) offer(t *testing.T, q *Queue, long time.Duration) {
	t.Helper()
	l.warm, l.long = 0, long
	l.latencies(t, q)
}

func TestAModelThatBecomesThreeTimesAsSlowIsKnownWithinFiveSeconds(t *testing.T) {
	for _, rate := range []float64{10, 1000} {
		synctest.Test(t, func(t *testing.T) {
			e := newExecutors(2, 4*time.Millisecond, 100*time.Microsecond)
			q, l := queue(t, DefaultConfig(), e), load{rate: rate}
			l.offer(t, q, 10*time.Second)
			e.mu.Lock()
			e.times = 3
			e.mu.Unlock()
			l.offer(t, q, 5*time.Second)
			_, c := learned(q)
			if got := c.seconds(1); got < 0.9*0.0123 || got > 1.1*0.0123 {
				t.Errorf("at %.0f a second: %.4f s are reckoned with for one event, it takes 0.0123 s", rate, got)
			}
		})
	}
}

func TestOneSlowCallChangesLittle(t *testing.T) {
	var c cost
	now := time.Now()
	for i := range 200 {
		took := time.Duration(4_000+100*(1+i%5)) * time.Microsecond
		if i%50 == 49 {
			took *= 100
		}
		now = now.Add(10 * time.Millisecond)
		c.add(1+i%5, took, now)
	}
	if got := c.seconds(10); got < 0.0047 || got > 0.0055 {
		t.Errorf("%.4f s are reckoned with for ten events, they take 0.0050 s", got)
	}
}

func TestTheNumberOfExecutorsIsLearnedAnewWhenItChanges(t *testing.T) {
	for _, change := range []struct{ from, to int }{{2, 8}, {8, 2}, {4, 1}} {
		synctest.Test(t, func(t *testing.T) {
			e := newExecutors(change.from, 20*time.Millisecond, 100*time.Microsecond)
			q, l := queue(t, DefaultConfig(), e), load{rate: 1000}
			l.offer(t, q, 5*time.Second)
			if got, _ := learned(q); got != change.from {
				t.Errorf("%d executors: %d calls at once", change.from, got)
			}
			e.begin = make(chan struct{}, change.to)
			l.offer(t, q, 12*time.Second)
			if got, _ := learned(q); got != change.to {
				t.Errorf("%d executors, then %d: %d calls at once", change.from, change.to, got)
			}
		})
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
