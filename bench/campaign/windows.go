package main

import (
	"slices"
	"time"
)

// waited is how long one event took that was due at a time.
type waited struct {
	due  time.Time
	took time.Duration
}

// within keeps those that were due in a stretch of time.
func within(all []waited, from, to time.Time) []time.Duration {
	var took []time.Duration
	for _, w := range all {
		if !w.due.Before(from) && w.due.Before(to) {
			took = append(took, w.took)
		}
	}
	slices.Sort(took)
	return took
}

// percentile is that of sorted times; 0 when there are none.
func percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(p/100*float64(len(sorted))), len(sorted)-1)]
}

// windowLength is what one p99 is taken over.
const windowLength = time.Second

// back is how long after from the last second of events ended whose p99 was over
// limit: 0 when there is none up to to. A second without events that were
// predicted is one.
func back(all []waited, from, to time.Time, limit time.Duration) time.Duration {
	var last time.Duration
	for at := from; at.Add(windowLength).Before(to); at = at.Add(windowLength) {
		took := within(all, at, at.Add(windowLength))
		if len(took) == 0 || percentile(took, 99) > limit {
			last = at.Add(windowLength).Sub(from)
		}
	}
	return last
}
