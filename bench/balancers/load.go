package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"betimes/internal/model"
)

// outcome is what a load came to.
type outcome struct {
	took   []time.Duration // since the intended send, sorted
	late   []time.Duration // of the sends themselves, sorted
	failed int
	calls  []int64 // of each server, in the window
	void   string
}

func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[int(q*float64(len(sorted)-1))]
}

// offer asks a system at a rate, whatever becomes of the calls, after a warm-up
// that does not count. measured is called between both.
func offer(ctx context.Context, s system, rate float64, warm, window time.Duration, seed uint64, measured func() error) (outcome, error) {
	var o outcome
	var mu sync.Mutex
	var wg sync.WaitGroup
	random := rand.New(rand.NewPCG(seed, 0))
	began, counts := time.Now(), false
	for at := time.Duration(0); at < warm+window && ctx.Err() == nil; at += time.Duration(random.ExpFloat64() / rate * float64(time.Second)) {
		if !counts && at >= warm {
			if counts = true; measured() != nil {
				break
			}
		}
		intended := began.Add(at)
		time.Sleep(time.Until(intended))
		sent, counted := time.Now(), counts
		wg.Go(func() {
			_, err := s.Invoke(ctx, &model.Request{
				Model: "m", ContentType: "application/json",
				Items: []model.Item{{Body: []byte(`{"instances":[[1,2,3,4]]}`), Deadline: intended.Add(time.Second)}},
			})
			if !counted {
				return
			}
			took := time.Since(intended)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				o.failed++
				return
			}
			o.took, o.late = append(o.took, took), append(o.late, sent.Sub(intended))
		})
	}
	wg.Wait()
	slices.Sort(o.took)
	slices.Sort(o.late)
	if lag := quantile(o.late, 0.99); lag > quantile(o.took, 0.99)/10 {
		o.void = "load late by " + lag.Round(10*time.Microsecond).String()
	}
	return o, ctx.Err()
}
