package main

import (
	"testing"
	"time"

	"betimes/bench/floor/load"
)

// evenly is a load without chance: a record each ms for a second, then each 2 ms.
func evenly() []load.Trip {
	var all []load.Trip
	for at := time.Duration(0); at < 5*time.Second; {
		all = append(all, load.Trip{At: at, Took: 10 * time.Millisecond})
		if at += time.Millisecond; at > time.Second {
			at += time.Millisecond
		}
	}
	return all
}

func TestTheIdealOfABurstIsItsBacklogByWhatIsLeftOfTheModel(t *testing.T) {
	b := load.Burst{For: time.Second, Every: 5 * time.Second}
	// 800 a second: after the burst 200 wait, and 300 a second more are done than come.
	// In time means that 32 wait besides the 8 in work, when 560 ms have gone.
	w := waveOf(evenly(), 0, b, 5*time.Second, executorsOf{8, 10 * time.Millisecond})
	if w.recovery != 0 || w.over != 0 {
		t.Errorf("recovered after %v, over for %v; want neither", w.recovery, w.over)
	}
	if w.ideal < 540*time.Millisecond || w.ideal > 580*time.Millisecond {
		t.Errorf("ideal %v, want about 560ms", w.ideal)
	}
}

func TestRecoveryEndsWithTheFirstOfManyInTime(t *testing.T) {
	late := func(when func(at time.Duration) bool) []load.Trip {
		all := evenly()
		for i := range all {
			if when(all[i].At) {
				all[i].Took = time.Second
			}
		}
		return all
	}
	for name, c := range map[string]struct {
		late func(at time.Duration) bool
		want time.Duration
	}{
		"none is late":                     {func(time.Duration) bool { return false }, 0},
		"late for two seconds":             {func(at time.Duration) bool { return at < 3*time.Second }, 2 * time.Second},
		"late for two seconds, then again": {func(at time.Duration) bool { return at < 3*time.Second || at/time.Millisecond == 3500 }, 2 * time.Second},
		"always late":                      {func(time.Duration) bool { return true }, 4 * time.Second},
	} {
		got := recovery(late(c.late), time.Second, 5*time.Second)
		if got < c.want-5*time.Millisecond || got > c.want+5*time.Millisecond {
			t.Errorf("%s: after %v, want %v", name, got, c.want)
		}
	}
	if got := over(late(func(at time.Duration) bool { return at < 3*time.Second }), 0, 5*time.Second); got != 3*time.Second {
		t.Errorf("over the objective for %v, want 3s", got)
	}
}

func TestBurstsAreThoseOfCrayfishSixTimesShorter(t *testing.T) {
	s, _ := scenarioOf("p6")
	b := s.burst(s.rates[0], burstEvery)
	can := float64(s.batches.Executors) / (s.batches.Fixed + s.batches.Each).Seconds()
	if steady, high := s.rates[0]/can, b.Rate/can; steady < 0.699 || steady > 0.701 || high < 1.099 || high > 1.101 {
		t.Errorf("%.3f and %.3f of what the model can do, want 0.7 and 1.1", steady, high)
	}
	if 6*b.For != 30*time.Second || 6*(b.Every-b.For) != 120*time.Second {
		t.Errorf("%+v", b)
	}
	if short := s.burst(560, 5*time.Second); short.For != time.Second || short.Every != 5*time.Second {
		t.Errorf("of a window of 5 s: %+v", short)
	}
	if s, _ := scenarioOf("p1"); s.burst(1000, time.Minute) != (load.Burst{}) {
		t.Error("p1 has bursts")
	}
}
