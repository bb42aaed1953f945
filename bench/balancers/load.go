package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"betimes/internal/model"
)

// outcome is what one step of a run came to.
type outcome struct {
	took    []time.Duration // since the intended send, sorted; of an event that failed its deadline
	late    []time.Duration // of the sends themselves, sorted
	failed  int
	calls   []int64  // that each server got
	refused []int64  // tries at each server that found nobody; nil: not known
	series  []sample // of the step
	void    string
}

// sample is what each server had got by a moment of the step.
type sample struct {
	at      time.Duration
	calls   []int64
	refused []int64 // nil: not known
}

// quantile is exact: of all values.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[int(q*float64(len(sorted)-1))]
}

// order is what is offered: the first step also for a while that does not count.
type order struct {
	steps        []step
	warm, window time.Duration
	deadline     time.Duration
	seed         uint64
	begin        func(step int) error // is called when a step begins, and once behind the last
}

// offering is one order on its way.
type offering struct {
	order
	system system
	ctx    context.Context
	began  time.Time
	mu     sync.Mutex
	out    []outcome
	wg     sync.WaitGroup
}

// offer asks a system at the rates of the steps, whatever becomes of the calls.
func offer(ctx context.Context, s system, o order) ([]outcome, error) {
	f := &offering{order: o, system: s, ctx: ctx, began: time.Now(), out: make([]outcome, len(o.steps))}
	err := f.send()
	f.wg.Wait()
	for i := range f.out {
		f.out[i].close()
	}
	if err == nil {
		err = ctx.Err()
	}
	return f.out, err
}

// send keeps to the schedule; when it is late it sends at once and shifts nothing.
func (f *offering) send() error {
	defer ahead()()
	random := rand.New(rand.NewPCG(f.seed, 0))
	now, end := -1, f.warm // the step that counts: none yet
	for at := time.Duration(0); ; {
		rate := f.steps[max(now, 0)].rate
		if at += time.Duration(random.ExpFloat64() / rate * float64(time.Second)); at >= end {
			at, end, now = end, end+f.window, now+1
			until(f.began.Add(at))
			if err := f.begin(now); err != nil || now == len(f.steps) {
				return err
			}
			continue
		}
		intended := f.began.Add(at)
		until(intended)
		if err := f.ctx.Err(); err != nil {
			return err
		}
		sent, counted := time.Now(), now
		f.wg.Go(func() { f.ask(intended, sent, counted) })
	}
}

// ask makes one call, which belongs to the step that it was meant for.
func (f *offering) ask(intended, sent time.Time, counted int) {
	deadline := intended.Add(f.deadline)
	ctx, cancel := context.WithDeadline(f.ctx, deadline)
	defer cancel()
	_, err := f.system.Invoke(ctx, &model.Request{
		Model: "m", ContentType: "application/json",
		Items: []model.Item{{Body: []byte(`{"instances":[[1,2,3,4]]}`), Deadline: deadline}},
	})
	took := time.Since(intended)
	if counted < 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	o := &f.out[counted]
	if err != nil {
		o.failed++
		took = max(took, f.deadline)
	}
	o.took, o.late = append(o.took, took), append(o.late, sent.Sub(intended))
}

// lateShare is the part of a p99 that the load's own lateness may be as long as.
const lateShare = 10

func (o *outcome) close() {
	slices.Sort(o.took)
	slices.Sort(o.late)
	if lag := quantile(o.late, 0.99); lag > quantile(o.took, 0.99)/lateShare {
		o.void = "load late by " + lag.Round(10*time.Microsecond).String()
	}
}
