// Package callers is the load that a client of a model endpoint is measured with,
// inside the client's own process: as many callers as there are calls at once, each
// calling again when it was answered, or calls at moments of a schedule.
//
// Upstream: the clients in bench/door. Downstream: nothing.
//
// Invariants: standard library only, so that a client in a module of its own can use
// it; every answer is compared with what was asked.
package callers

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Order is one run.
type Order struct {
	URL, Endpoint  string
	AtOnce         int     // callers
	Rate           float64 // calls a second at moments of a Poisson process instead; 0: callers
	WarmUp, Window time.Duration
	Seed           uint64
	BodyBytes      int
}

// Flags defines the flags that an Order is read from.
func (o *Order) Flags(f *flag.FlagSet) {
	f.StringVar(&o.URL, "url", "", "where the endpoint is")
	f.StringVar(&o.Endpoint, "endpoint", "", "its name; it answers with what it was asked")
	f.IntVar(&o.AtOnce, "at-once", 64, "callers")
	f.Float64Var(&o.Rate, "rate", 0, "calls a second instead; 0: each caller calls again at once")
	f.DurationVar(&o.WarmUp, "warm-up", 2*time.Second, "not measured")
	f.DurationVar(&o.Window, "window", 10*time.Second, "measured")
	f.Uint64Var(&o.Seed, "seed", 1, "of the schedule")
	f.IntVar(&o.BodyBytes, "body", 200, "bytes of a request")
}

// Args is the Order as flags.
func (o *Order) Args() []string {
	return []string{
		"-url", o.URL, "-endpoint", o.Endpoint, "-at-once", strconv.Itoa(o.AtOnce), "-rate", strconv.FormatFloat(o.Rate, 'g', -1, 64),
		"-warm-up", o.WarmUp.String(), "-window", o.Window.String(), "-seed", strconv.FormatUint(o.Seed, 10), "-body", strconv.Itoa(o.BodyBytes),
	}
}

// Ask makes one call and gives the body of its answer. n is the call's number.
type Ask func(ctx context.Context, n int64, body []byte) ([]byte, error)

// Outcome is what came of the calls that were due in the window.
type Outcome struct {
	Calls, All int64         // in the window; with those of the warm-up
	Failed     int64         // in all
	Wrong      int64         // answers that are not what was asked
	Why        string        // the first failure
	CPU        time.Duration // of this process, user and system, in the window
	Window     time.Duration
	P50, P99   time.Duration // since a call was made
	P999, Max  time.Duration
	DueP50     time.Duration // since it was due
	DueP99     time.Duration
	LagP99     time.Duration // by which calls were made late
}

// Write says an Outcome in one line.
func (o Outcome) Write(w io.Writer) error { return json.NewEncoder(w).Encode(o) }

// Run makes the calls.
func (o Order) Run(ctx context.Context, ask Ask) (Outcome, error) {
	r := &run{order: o, ask: ask, began: time.Now(), rest: bytes.Repeat([]byte(",0.5"), max(o.BodyBytes-numberBytes, 0)/4)}
	cost := make(chan spent, 1)
	go func() { cost <- spend(r.began.Add(o.WarmUp), o.Window) }()
	if o.Rate > 0 {
		r.schedule(ctx)
	} else {
		r.callers(ctx)
	}
	return r.outcome(<-cost), ctx.Err()
}

// spent is what this process used in a window.
type spent struct{ cpu, window time.Duration }

func spend(from time.Time, window time.Duration) spent {
	time.Sleep(time.Until(from))
	began, before := time.Now(), used()
	time.Sleep(window - began.Sub(from))
	return spent{used() - before, time.Since(began)}
}

// used is the CPU time of this process so far.
func used() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// run is the state of Run.
type run struct {
	order Order
	ask   Ask
	began time.Time
	rest  []byte // of all bodies, behind their number
	last  atomic.Int64

	mu     sync.Mutex
	all    int64
	failed int64
	wrong  int64
	why    string
	took   []time.Duration // of calls that were due in the window
	due    []time.Duration // since they were due
	lag    []time.Duration
}

// numberBytes is the length of a call's number, which its body begins with.
const numberBytes = 12

// callers call again when they are answered, once at least.
func (r *run) callers(ctx context.Context) {
	var all sync.WaitGroup
	end := r.began.Add(r.order.WarmUp + r.order.Window)
	for range r.order.AtOnce {
		all.Go(func() {
			for now := time.Now(); ; now = time.Now() {
				r.call(ctx, now)
				if !time.Now().Before(end) || ctx.Err() != nil {
					return
				}
			}
		})
	}
	all.Wait()
}

// schedule calls at given moments, however many calls are under way then.
func (r *run) schedule(ctx context.Context) {
	var all sync.WaitGroup
	random := rand.New(rand.NewPCG(r.order.Seed, 0))
	for at := time.Duration(0); at < r.order.WarmUp+r.order.Window && ctx.Err() == nil; {
		due := r.began.Add(at)
		time.Sleep(time.Until(due))
		all.Go(func() { r.call(ctx, due) })
		at += time.Duration(random.ExpFloat64() / r.order.Rate * float64(time.Second))
	}
	all.Wait()
}

// call makes one call that is due at a moment.
func (r *run) call(ctx context.Context, due time.Time) {
	n := r.last.Add(1)
	body := strconv.AppendInt(make([]byte, 0, numberBytes+len(r.rest)), 1e11+n, 10)
	body = append(body, r.rest...)
	sent := time.Now()
	answer, err := r.ask(ctx, n, body)
	ended := time.Now()
	wrong := err == nil && !bytes.Equal(answer, body)

	r.mu.Lock()
	defer r.mu.Unlock()
	r.all++
	switch since := due.Sub(r.began); {
	case wrong:
		r.wrong++
	case err != nil:
		if r.failed++; r.why == "" {
			r.why = err.Error()
		}
	case since >= r.order.WarmUp && since < r.order.WarmUp+r.order.Window:
		r.took, r.due, r.lag = append(r.took, ended.Sub(sent)), append(r.due, ended.Sub(due)), append(r.lag, sent.Sub(due))
	}
}

func (r *run) outcome(s spent) Outcome {
	for _, some := range [][]time.Duration{r.took, r.due, r.lag} {
		slices.Sort(some)
	}
	return Outcome{
		Calls: int64(len(r.took)), All: r.all, Failed: r.failed, Wrong: r.wrong, Why: r.why, CPU: s.cpu, Window: s.window,
		P50: quantile(r.took, 0.5), P99: quantile(r.took, 0.99), P999: quantile(r.took, 0.999), Max: quantile(r.took, 1),
		DueP50: quantile(r.due, 0.5), DueP99: quantile(r.due, 0.99), LagP99: quantile(r.lag, 0.99),
	}
}

func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[int(q*float64(len(sorted)-1))]
}
