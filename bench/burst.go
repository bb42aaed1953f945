package main

import (
	"slices"
	"time"

	"betimes/bench/floor/load"
)

// The bursts of P6 are those of the Crayfish benchmark (70 % of what can be sustained
// for 120 s, 110 % for 30 s), six times shorter; the burst comes first, so that what
// follows is seen.
const (
	burstFor    = 5 * time.Second
	burstEvery  = 25 * time.Second
	burstFactor = 1.10 / 0.70
	burstSLO    = 50 * time.Millisecond // objective of a model of 20 ms
)

// burst is that of a window: a shorter one has a shorter burst.
func (s scenario) burst(rate float64, window time.Duration) load.Burst {
	if s.kind != bursts {
		return load.Burst{}
	}
	every := min(window, burstEvery)
	return load.Burst{Rate: burstFactor * rate, For: every / (burstEvery / burstFor), Every: every}
}

// wave is what bursts did to a system.
type wave struct {
	recovery time.Duration // from the end of a burst until events are in time again, on average
	ideal    time.Duration // the same of a line before the model's executors alone
	over     time.Duration // in which more than one of a hundred was late
}

// executorsOf is a model of so many executors, whose calls take as long each.
type executorsOf struct {
	count int
	each  time.Duration
}

// waveOf reads the trips of a window that began at a moment.
func waveOf(trips []load.Trip, began time.Duration, b load.Burst, window time.Duration, model executorsOf) wave {
	var w wave
	ideal := model.trips(trips)
	cycles := int(window / b.Every)
	for n := range cycles {
		end := began + time.Duration(n)*b.Every + b.For
		until := began + time.Duration(n+1)*b.Every
		w.recovery += recovery(trips, end, until) / time.Duration(cycles)
		w.ideal += recovery(ideal, end, until) / time.Duration(cycles)
	}
	w.over = over(trips, began, window)
	return w
}

// trips are those of the same events in one line before the executors.
func (m executorsOf) trips(all []load.Trip) []load.Trip {
	free := make([]time.Duration, m.count)
	out := make([]load.Trip, len(all))
	for i, one := range all {
		soonest := 0
		for n, at := range free {
			if at < free[soonest] {
				soonest = n
			}
		}
		free[soonest] = max(free[soonest], one.At) + m.each
		out[i] = load.Trip{At: one.At, Took: free[soonest] - one.At}
	}
	return out
}

// few events in a row tell whether they are in time again: two of them may be late.
const (
	inARow = 200
	mayLag = 2
)

// recovery is from a moment until events are in time again; all until the end when they
// never are.
func recovery(trips []load.Trip, from, until time.Duration) time.Duration {
	at := func(t time.Duration) int {
		i, _ := slices.BinarySearchFunc(trips, t, func(one load.Trip, t time.Duration) int { return int(one.At - t) })
		return i
	}
	part := trips[at(from):at(until)]
	late := 0
	for i, one := range part {
		if one.Took > burstSLO {
			late++
		}
		if i < inARow-1 {
			continue
		}
		if first := part[i-inARow+1]; late <= mayLag {
			return first.At - from
		} else if first.Took > burstSLO {
			late--
		}
	}
	return until - from
}

// over sums the quarters of a second in which more than one of a hundred was late.
func over(trips []load.Trip, began, window time.Duration) (sum time.Duration) {
	const span = 250 * time.Millisecond
	all, late := make([]int, window/span+1), make([]int, window/span+1)
	for _, one := range trips {
		n := (one.At - began) / span
		all[n]++
		if one.Took > burstSLO {
			late[n]++
		}
	}
	for n := range all {
		if late[n]*100 > all[n] {
			sum += span
		}
	}
	return sum
}
