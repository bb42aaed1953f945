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

func (e *executors) Version() string { return "" }

func (e *executors) Invoke(ctx context.Context, r *model.Request) (*model.Response, error) {
	took := e.came(len(r.Items))
	e.mu.Lock()
	begin := e.begin
	e.mu.Unlock()
	begin <- struct{}{}
	time.Sleep(took)
	<-begin
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

// swap is another number of executors for the calls that come from now on.
func (e *executors) swap(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.begin = make(chan struct{}, n)
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
