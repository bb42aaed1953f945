package main

import (
	"math"
	"testing"
	"time"
)

// known is a step of which every figure can be said: calls of 1 to 1,000 ms.
func known() seen {
	s := seen{fleet: fleet{Slots: []int{1, 2, 4}, Slow: 1, Broken: -1}, subject: 2, window: 5 * time.Second}
	for i := range 1000 {
		s.took = append(s.took, time.Duration(i+1)*time.Millisecond)
		s.late = append(s.late, time.Duration(i+1)*time.Microsecond)
	}
	s.failed, s.calls, s.refused = 3, []int64{100, 300, 600}, []int64{0, 0, 20}
	for n, at := range []time.Duration{0, time.Second, 2 * time.Second} {
		s.series = append(s.series, sample{at, s.calls, []int64{0, 0, int64(5 + 7*n)}})
	}
	return s
}

func TestFiguresOfAKnownStep(t *testing.T) {
	for title, want := range map[string]float64{
		"p50": 500, "p99": 990, "p99.9": 999, "load late p99": 0.99,
		callsPerEvent: 1.02, toTheBad: 30, largestShare: 1.8,
		fromItsSize:  30, // the first has 0.1 of the calls and 1/7 of the slots
		failedEvents: 3, triesAtIt: 7,
	} {
		if got := figureOf(title).of(known()); math.Abs(got-want) > 0.02 {
			t.Errorf("%s is %g, want %g", title, got, want)
		}
	}
}

func TestAServerThatIsGoneHasNoPartToBeFarFrom(t *testing.T) {
	s := known()
	s.fleet.Gone, s.calls = []int{0}, []int64{0, 300, 600}
	if far := s.farthest(); far > 0.01 {
		t.Errorf("%.1f%% far, with calls in proportion to the slots", far)
	}
	if got := s.largest(); math.Abs(got-600.0/450) > 0.001 {
		t.Errorf("the largest share is %.3f of the mean of two", got)
	}
}

// watched is a step in which a third server gets calls: 100 a second of 1,000, from a
// moment on.
func watched(from time.Duration, part int64) seen {
	s := known()
	s.series = nil
	counts := []int64{0, 0, 0}
	for at := time.Duration(0); at <= s.window; at += every {
		s.series = append(s.series, sample{at, append([]int64(nil), counts...), nil})
		of := int64(0)
		if at >= from {
			of = part
		}
		counts[2] += of
		counts[0] += (100 - of) / 2
		counts[1] += 100 - of - (100-of)/2
	}
	return s
}

func TestAServerIsBackWhenItHasHalfOfItsPart(t *testing.T) {
	for name, c := range map[string]struct {
		from time.Duration
		part int64
		want float64 // seconds
	}{
		"at once":                    {0, 33, 0.5},
		"after 2 s, by a third":      {2 * time.Second, 33, 2.3}, // 3 of the last 5 tenths
		"never: half of it is a 6th": {0, 16, 5},
	} {
		if got := watched(c.from, c.part).back(); math.Abs(got-c.want) > 0.01 {
			t.Errorf("%s: after %.2f s, want %.2f", name, got, c.want)
		}
	}
	if got := watched(time.Second, 60).herd(); math.Abs(got-60) > 0.01 {
		t.Errorf("it had %.1f%% of the calls in half a second, want 60", got)
	}
}

func TestAStepNobodyWatchedSaysThatNothingCameBack(t *testing.T) {
	s := known()
	s.series = nil
	if s.back() != 5 || s.herd() != 0 {
		t.Errorf("back after %g s, %g%%", s.back(), s.herd())
	}
}
