package batch

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
	"betimes/internal/model"
	"betimes/internal/model/modeltest"
)

// known is a Queue that has learned that a call takes 4 ms and 0.1 ms an event.
func known(t *testing.T) *Queue {
	q := queue(t, DefaultConfig(), newExecutors(2, 0, 0))
	q.cost = cost{line: line{0.004, 0.0001}, weight: 1}
	q.width.level = 1 // nothing is left to other calls
	q.compare = comparison{known: true, state: same}
	return q
}

// with puts members in line that have so long left; 0: no deadline.
func with(q *Queue, now time.Time, lefts ...time.Duration) {
	for i, left := range lefts {
		m := &member{request: request(fmt.Sprint(i)), priority: middle, since: now, told: make(chan told, 1)}
		if left != 0 {
			m.deadline = now.Add(left)
		}
		q.join(m)
	}
}

func TestWhoGoesWithWhom(t *testing.T) {
	ms := time.Millisecond
	many := func(n int, left time.Duration) []time.Duration { return slices.Repeat([]time.Duration{left}, n) }
	for name, c := range map[string]struct {
		lefts []time.Duration
		want  int
		why   string
	}{
		"all that wait, when there is time":                                     {many(10, 200*ms), 10, "free"},
		"all that wait, without deadlines":                                      {many(10, 0), 10, "free"},
		"a full call":                                                           {many(100, 200*ms), 64, "full"},
		"who has 8 ms left goes with 38 others at most":                         {append(many(50, 200*ms), 8*ms), 39, "deadline"},
		"who has 4.2 ms left goes alone, for the others have time":              {append(many(5, 200*ms), 4150*time.Microsecond), 1, "deadline"},
		"who has 4.2 ms left is left behind when the others would be late":      {append(many(60, 12*ms), 4150*time.Microsecond), 60, "free"},
		"who is late whatever is done makes no call smaller":                    {append(many(60, 200*ms), 2*ms, -time.Second), 62, "free"},
		"when all are late all go":                                              {many(70, -time.Second), 64, "full"},
		"the tightest bounds a call, whatever place in the line he has":         {append(append(many(30, 0), 6*ms), many(30, 0)...), 19, "deadline"},
		"those who are late go with the others as far as these are in time":     {append(many(2, 5*ms), many(30, -ms)...), 9, "deadline"},
		"who has just enough time for a call of his own, and nobody else waits": {[]time.Duration{4200 * time.Microsecond}, 1, "free"},
	} {
		t.Run(name, func(t *testing.T) {
			q, now := known(t), time.Now()
			with(q, now, c.lefts...)
			got, why := q.take(now)
			if len(got) != c.want || why != c.why {
				t.Errorf("%d events, %s; want %d, %s", len(got), why, c.want, c.why)
			}
		})
	}
}

func TestNobodyWhoCanBeInTimeGoesWithACallThatMayTakeLonger(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		q, now := known(t), time.Now()
		q.cost.line = line{r.Float64() * 0.02, r.Float64() * 0.001}
		q.cost.off = r.Float64() * 0.002
		var lefts []time.Duration
		for range 1 + r.IntN(150) {
			lefts = append(lefts, time.Duration(r.IntN(60_000)-5000)*time.Microsecond)
		}
		with(q, now, lefts...)
		for q.waiting > 0 {
			before := q.waiting
			members, why := q.take(now)
			if len(members) == 0 || len(members) > 64 || q.waiting != before-len(members) {
				t.Fatalf("%d of %d are taken, %d wait then", len(members), before, q.waiting)
			}
			for _, m := range members {
				if left := m.left(now); q.cost.predict(1) < left && q.cost.predict(len(members)) >= left {
					t.Fatalf("who has %v left goes with %d others in a call that may take %v (%s)", left, len(members)-1, q.cost.predict(len(members)), why)
				}
			}
		}
	}
}

// kinds is a codec that tells bodies apart by their first letter.
type kinds struct{ model.Codec }

func (kinds) Alike(a, b []byte) bool { return a[0] == b[0] }

func TestEventsOfDifferentShapesInTurnShareCallsWithTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := slow()
		q := queue(t, DefaultConfig(), &busy{Fake: f, takes: 1})
		q.deps.Codec = kinds{q.deps.Codec}
		q.compare = comparison{known: true, state: same}
		answered(t, ask(t, q, "x", "a1", "b1", "a2", "b2", "a3", "b3"), "x", "a1", "b1", "a2", "b2", "a3", "b3")
		if s := sizes(f, 0); !slices.Equal(s, []int{1, 3, 3}) {
			t.Errorf("calls about %v events", s)
		}
	})
}

// asks asks about one event of a priority and notes when it was answered.
type asks struct {
	mu  sync.Mutex
	all []string
}

func (a *asks) ask(t *testing.T, q *Queue, body string, priority int) {
	r := request(body)
	r.Items[0].Event.Priority = priority
	if _, err := q.Invoke(t.Context(), r); err != nil {
		t.Error(err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, body)
}

func TestWhoHasPriorityGoesFirstAndTheOthersAreNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := slow()
		q := queue(t, Config{MaxEvents: 2, MaxBytes: 1 << 20}, &busy{Fake: f, takes: 1})
		q.compare = comparison{known: true, state: same}
		var a asks
		var wg sync.WaitGroup
		wg.Go(func() { a.ask(t, q, "first", 5) })
		synctest.Wait()
		for i := range 3 {
			wg.Go(func() { a.ask(t, q, fmt.Sprint("low", i), 1) })
		}
		synctest.Wait()
		for i := range 30 {
			wg.Go(func() { a.ask(t, q, fmt.Sprint("high", i), 9) })
		}
		wg.Wait()
		low := slices.IndexFunc(a.all, func(s string) bool { return s[0] == 'l' })
		if low < 2 || low > 1+2*(mostPassed+1) {
			t.Errorf("the first of low priority is answered as number %d: %v", low, a.all)
		}
	})
}

func TestRoomInACallIsForThoseOfLessPriority(t *testing.T) {
	q, now := known(t), time.Now()
	for i, priority := range []int{5, 9, 1, 9} {
		q.join(&member{request: request(fmt.Sprint(i)), priority: priority, since: now})
	}
	if members, _ := q.take(now); len(members) != 4 || members[0].priority != 9 || members[3].priority != 1 {
		t.Errorf("%d go together", len(members))
	}
}

func TestWhoWouldBeLateGoesAlthoughAsManyCallsAreUnderWayAsAreWorthWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &modeltest.Fake{Endpoint: "e", Respond: func(_ context.Context, r *model.Request) modeltest.Step {
			if string(r.Items[0].Body) == "long" {
				return modeltest.Step{Delay: time.Second}
			}
			return modeltest.Step{Delay: 10 * time.Millisecond}
		}}
		q := queue(t, DefaultConfig(), &busy{Fake: f, takes: 8})
		q.cost = cost{line: line{0.01, 0.0001}, weight: 1, n: 1, t: 0.0101, nn: 1, nt: 0.0101, newest: time.Now()}
		q.width.level = 1
		q.compare = comparison{known: true, state: same}
		go func() { _, _ = q.Invoke(t.Context(), request("long")) }()
		synctest.Wait()
		r, began := request("hasty"), time.Now()
		r.Items[0].Deadline = began.Add(100 * time.Millisecond)
		if _, err := q.Invoke(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 80*time.Millisecond || took > 100*time.Millisecond {
			t.Errorf("answered after %v", took)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		q.mu.Lock()
		defer q.mu.Unlock()
		if q.calls != 0 || q.urgent.calls != 0 {
			t.Errorf("%d calls, %d urgent ones are counted", q.calls, q.urgent.calls)
		}
	})
}

func TestADecisionTellsTheCallOfAnEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := slow()
		q := queue(t, DefaultConfig(), &busy{Fake: f, takes: 1})
		warm(t, q)
		go func() { _, _ = q.Invoke(t.Context(), request("holds")) }()
		synctest.Wait()
		r := request("mine")
		r.Items[0].Deadline = time.Now().Add(time.Second)
		go func() { _, _ = q.Invoke(t.Context(), request("other")) }()
		synctest.Wait()
		if _, err := q.Invoke(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if got := string(r.Items[0].Event.Decisions.AppendHeader(nil)); got != "batch:shared:2_events,free,120.0ms_of_900.0ms,with_mine+other" {
			t.Errorf("decisions are %s", got)
		}
	})
}

func TestWhoMustNotBeLateAndSurelyWouldBeIsToldSoAtOnce(t *testing.T) {
	q, now := known(t), time.Now()
	with(q, now, 3*time.Millisecond, 2*time.Millisecond, 200*time.Millisecond)
	hopeless := q.lanes[0].members[1]
	hopeless.request.Items[0].Latest = hopeless.deadline
	members, _ := q.take(now)
	if len(members) != 2 || q.waiting != 0 {
		t.Errorf("%d are asked about, %d wait", len(members), q.waiting)
	}
	if got := <-hopeless.told; model.ClassOf(got.err) != model.ClassLate {
		t.Errorf("it was told %v", got.err)
	}
	with(q, now, 2*time.Millisecond)
	hopeless = q.lanes[0].members[0]
	hopeless.request.Items[0].Latest = hopeless.deadline
	if members, _ := q.take(now); len(members) != 0 || len(q.lanes) != 0 || len(hopeless.told) != 1 {
		t.Errorf("alone in line: %d are asked about, %d lanes", len(members), len(q.lanes))
	}
}

func TestABatchSizeThatNoObjectiveAllowsIsSaidOnce(t *testing.T) {
	for _, c := range []struct {
		budget time.Duration
		want   int
	}{{50 * time.Millisecond, 1}, {5 * time.Second, 0}, {0, 0}} {
		synctest.Test(t, func(t *testing.T) {
			var said bytes.Buffer
			q := queue(t, DefaultConfig(), newExecutors(2, 20*time.Millisecond, time.Millisecond))
			q.deps.Budget, q.deps.Log = c.budget, slog.New(slog.NewTextHandler(&said, nil))
			load{rate: 200}.offer(t, q, 4*time.Second)
			if got := strings.Count(said.String(), "flow.batch.max_events"); got != c.want {
				t.Errorf("objective %v: said %d times: %s", c.budget, got, said.String())
			}
		})
	}
}

// decides is an endpoint of which there are others.
type decides struct{ Endpoint }

func (d decides) Invoke(ctx context.Context, r *model.Request) (*model.Response, error) {
	if e := r.Items[0].Event; e != nil {
		e.Decisions.Add("balance", "b", "fastest")
	}
	return d.Endpoint.Invoke(ctx, r)
}

func TestEveryEventOfACallSaysWhatWasDecidedAboutTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue(t, DefaultConfig(), &busy{Fake: slow(), takes: 1})
		q.inner = decides{q.inner}
		warm(t, q)
		go func() { _, _ = q.Invoke(t.Context(), request("holds")) }()
		synctest.Wait()
		other, mine := request("other"), request("mine")
		go func() { _, _ = q.Invoke(t.Context(), other) }()
		synctest.Wait()
		if _, err := q.Invoke(t.Context(), mine); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for _, r := range []*model.Request{other, mine} {
			if all := r.Items[0].Event.Decisions.All(); len(all) != 2 || all[1] != (event.Decision{Room: "balance", What: "b", Why: "fastest"}) {
				t.Errorf("decisions %v", all)
			}
		}
	})
}
