package fault

import (
	"slices"
	"testing"
	"time"
)

func plan(seed uint64) Plan {
	return Plan{
		Seed: seed, Count: 400, Who: []string{"gateway", "stream"}, Means: []Means{Kill, Terminate, Stop, Starve},
		Least: 100 * time.Millisecond, Most: time.Second, Soon: 0.2, HoldLeast: time.Second, HoldMost: 2 * time.Second,
	}
}

func TestASeedDecidesTheSchedule(t *testing.T) {
	if one := Schedule(plan(1)); !slices.Equal(one, Schedule(plan(1))) || slices.Equal(one, Schedule(plan(2))) {
		t.Error("a seed must give the same schedule again, and another seed another")
	}
}

func TestAQuarterOfThePeriodsIsQuiet(t *testing.T) {
	all := Schedule(plan(1))
	const period = 10 * time.Second
	busy := map[int]int{}
	means, who := map[Means]int{}, map[string]int{}
	for i, b := range all {
		if i > 0 && b.At < all[i-1].At {
			t.Fatalf("%s comes after %s", b, all[i-1])
		}
		if held := b.What == Stop || b.What == Starve; held != (b.For >= time.Second) {
			t.Errorf("%s: how long does it last?", b)
		}
		busy[int(b.At/period)]++
		means[b.What]++
		who[b.Who]++
	}
	for four := 0; four+3 < int(all[len(all)-1].At/period); four += 4 {
		quiet := 0
		for i := range 4 {
			if busy[four+i] == 0 {
				quiet++
			}
		}
		if quiet != 1 {
			t.Errorf("of periods %d to %d, %d are quiet", four, four+3, quiet)
		}
	}
	if len(means) != 4 || len(who) != 2 {
		t.Errorf("means %v, processes %v", means, who)
	}
}
