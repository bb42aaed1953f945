package inference

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/lab/emulator/injection"
)

// tail is the 99th percentile of 500 calls, one every 2 ms, where one of four
// instances takes 100 ms longer.
func tail(t *testing.T, random bool) time.Duration {
	var took []time.Duration
	synctest.Test(t, func(t *testing.T) {
		s := service(t, &injection.Fault{Fault: injection.Latency, Add: injection.Duration(100 * time.Millisecond), Match: injection.Match{Instance: 1}})
		s.Publish("e", &Routing{Variants: []Variant{{Name: "v", Weight: 1, Random: random, Instances: instances(t, 4)}}})
		var mu sync.Mutex
		var all sync.WaitGroup
		for range 500 {
			time.Sleep(2 * time.Millisecond)
			all.Go(func() {
				began := time.Now()
				invoke(s, "x")
				mu.Lock()
				defer mu.Unlock()
				took = append(took, time.Since(began))
			})
		}
		all.Wait()
	})
	slices.Sort(took)
	return took[len(took)*99/100]
}

func TestLeastOutstandingRequestsAvoidsASlowInstance(t *testing.T) {
	least, random := tail(t, false), tail(t, true)
	if least > 110*time.Millisecond || random < 10*least {
		t.Errorf("99th percentile %s with the least outstanding requests, %s at random", least, random)
	}
}
