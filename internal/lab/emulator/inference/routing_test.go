package inference

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"betimes/internal/lab/emulator/fleet"
)

func instances(t testing.TB, n int) []*fleet.Instance {
	t.Helper()
	l := &fleet.Launcher{Log: slog.New(slog.DiscardHandler)}
	t.Cleanup(l.Close)
	all, err := l.Launch(context.Background(), fleet.Spec{Image: "builtin:echo"}, 1, n)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// dice is another one at each call.
func dice() *rand.Rand { return rand.New(rand.NewPCG(rand.Uint64(), 0)) }

func TestEqualInstancesShareTheLoad(t *testing.T) {
	for name, random := range map[string]bool{"RANDOM": true, "LEAST_OUTSTANDING_REQUESTS": false} {
		v := Variant{Random: random, Instances: instances(t, 4)}
		hits := map[int]int{}
		for range 4000 {
			hits[v.instance(dice(), nil).Number]++
		}
		for n := 1; n <= 4; n++ {
			if hits[n] < 800 || hits[n] > 1200 {
				t.Errorf("%s: instance %d had %d of 4000", name, n, hits[n])
			}
		}
	}
}

func TestAnInstanceOutOfRotationGetsNothing(t *testing.T) {
	for _, random := range []bool{true, false} {
		v := Variant{Random: random, Instances: instances(t, 2)}
		v.Instances[0].Stop()
		for range 100 {
			if got := v.instance(dice(), nil); got != v.Instances[1] {
				t.Fatalf("random %v: instance %v", random, got)
			}
		}
		v.Instances[1].Stop()
		if v.instance(dice(), nil) != nil {
			t.Error("a stopped instance was chosen")
		}
	}
}

func TestAVariantOfNoWeightGetsNoTrafficButByName(t *testing.T) {
	r := Routing{Variants: []Variant{{Name: "a", Weight: 1}, {Name: "b", Weight: 0}}}
	for range 100 {
		if got := r.pick("", dice()); got.Name != "a" {
			t.Fatalf("picked %s", got.Name)
		}
	}
	if got := r.pick("b", dice()); got == nil || got.Name != "b" {
		t.Errorf("picked %v", got)
	}
	if got := r.pick("none", dice()); got != nil {
		t.Errorf("picked %v", got)
	}
}

func TestEndpointsAreNamedByTheirPath(t *testing.T) {
	for path, want := range map[string]string{
		"/endpoints/fraud/invocations": "fraud", "/endpoints//invocations": "", "/endpoints/a/b/invocations": "",
		"/endpoints/fraud/async-invocations": "fraud", "/endpoints/fraud/other": "", "/endpoints/invocations": "", "/invocations": "",
	} {
		got, _, ok := EndpointOf(path)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%s is %q, %v", path, got, ok)
		}
	}
}

func TestPrefixesStayWithTheirInstance(t *testing.T) {
	v := Variant{Prefix: 1024, Threshold: 2, Instances: instances(t, 4)}
	keys := map[string]*fleet.Instance{}
	hits := map[int]int{}
	for n := range 400 {
		key := fmt.Sprint(n)
		keys[key] = v.instance(dice(), []byte(key))
		hits[keys[key].Number]++
		if again := v.instance(dice(), []byte(key)); again != keys[key] {
			t.Fatalf("key %s went to %d and %d", key, keys[key].Number, again.Number)
		}
	}
	for n := 1; n <= 4; n++ {
		if hits[n] < 60 || hits[n] > 140 {
			t.Errorf("instance %d has %d of 400", n, hits[n])
		}
	}
	gone := v.Instances[0]
	gone.Stop()
	for key, had := range keys {
		if now := v.instance(dice(), []byte(key)); had != gone && now != had || now == gone {
			t.Errorf("key %s moved from %d to %d", key, had.Number, now.Number)
		}
	}
	busy := v.Instances[1]
	hold := make(chan struct{})
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			_, _, _ = busy.Invoke(t.Context(), &fleet.Call{}, func(context.Context, time.Duration) error { <-hold; return nil }) // it is held here only
		})
	}
	for busy.Outstanding() < 2 {
		runtime.Gosched()
	}
	for key, had := range keys {
		if now := v.instance(dice(), []byte(key)); had == busy && now == busy {
			t.Errorf("key %s stays above the threshold", key)
		}
	}
	close(hold)
	both.Wait()
}
