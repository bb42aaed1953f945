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

// percentile is the least of sorted times that p of 100 are not above; 0 when
// there are none.
func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max((p*len(sorted)+99)/100, 1)-1]
}

// windowLength is the step in which a time is looked for.
const windowLength = time.Second

// back is how long after from p99 is within limit for good: of all events due from
// then on up to to, of which every second has some that were predicted. It is all
// the time when p99 is not back.
func back(all []waited, from, to time.Time, limit time.Duration) time.Duration {
	took := to.Sub(from).Truncate(windowLength)
	for after := took - windowLength; after >= 0; after -= windowLength {
		at := from.Add(after)
		if len(within(all, at, at.Add(windowLength))) == 0 {
			break
		}
		if percentile(within(all, at, to), 99) <= limit {
			took = after
		}
	}
	return took
}

// slowSeconds counts the whole seconds between two times, and those of them whose
// own p99 is over limit.
func slowSeconds(all []waited, from, to time.Time, limit time.Duration) (slow, of int) {
	for at := from; !at.Add(windowLength).After(to); at = at.Add(windowLength) {
		of++
		if percentile(within(all, at, at.Add(windowLength)), 99) > limit {
			slow++
		}
	}
	return slow, of
}
