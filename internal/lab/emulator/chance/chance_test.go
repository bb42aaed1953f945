package chance

import (
	"math"
	"testing"
)

func TestTheSameSeedRepeatsWhatWasDrawn(t *testing.T) {
	var one, two Draws
	for number := range uint64(100) {
		one.Begin(7, Salt("shop"), number)
		two.Begin(7, Salt("shop"), number)
		two.For(Route).Float64() // for another purpose: it changes nothing
		if a, b := one.For(Service).Uint64(), two.For(Service).Uint64(); a != b {
			t.Fatalf("request %d: %d and %d", number, a, b)
		}
	}
}

func TestSeedsEndpointsNumbersAndPurposesDiffer(t *testing.T) {
	seen := map[uint64]bool{}
	var d Draws
	for _, seed := range []uint64{1, 2} {
		for _, endpoint := range []string{"a", "b"} {
			for number := range uint64(100) {
				d.Begin(seed, Salt(endpoint), number)
				for p := Route; p <= Service; p++ {
					seen[d.For(p).Uint64()] = true
				}
			}
		}
	}
	if len(seen) != 2*2*100*4 {
		t.Errorf("%d different numbers of %d", len(seen), 2*2*100*4)
	}
}

func TestTheFirstDrawsOfRequestsInARowAreEven(t *testing.T) {
	const n = 10000
	var d Draws
	var tenths [10]int
	sum, before, product := 0.0, 0.0, 0.0
	for number := range uint64(n) {
		d.Begin(1, Salt("shop"), number)
		v := d.For(Fault).Float64()
		tenths[int(v*10)]++
		product += (v - 0.5) * (before - 0.5)
		sum, before = sum+v, v
	}
	for i, hits := range tenths {
		if hits < n/10-150 || hits > n/10+150 {
			t.Errorf("tenth %d has %d of %d", i, hits, n)
		}
	}
	if mean, neighbours := sum/n, product/n*12; math.Abs(mean-0.5) > 0.02 || math.Abs(neighbours) > 0.05 {
		t.Errorf("mean %g, correlation of neighbours %g", mean, neighbours)
	}
}

func TestNothingIsAllocatedForARequest(t *testing.T) {
	var d Draws
	salt := Salt("shop")
	if n := testing.AllocsPerRun(100, func() {
		d.Begin(1, salt, 1)
		d.For(Service).NormFloat64()
	}); n != 0 {
		t.Errorf("%g allocations", n)
	}
}
