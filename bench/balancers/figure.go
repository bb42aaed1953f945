package main

import (
	"slices"
	"time"
)

// figure is one column: a number of one step of one run.
type figure struct {
	title, format string
	of            func(seen) float64
	when          func(step) bool // the step has it; nil: always
	know          func(outcome) bool
}

// seen is one step of one run with what it was under.
type seen struct {
	outcome
	fleet   fleet
	subject int
	window  time.Duration
}

// Figures that promises name.
const (
	callsPerEvent = "calls/event"
	toTheBad      = "to the bad one, %"
	largestShare  = "largest/mean share"
	fromItsSize   = "farthest from its size, %"
	failedEvents  = "failed"
	backAfter     = "has its part after, s"
	herd          = "most of it in half a second, %"
	triesAtIt     = "found nobody in the first second"
)

// figures are all columns.
func figures() []figure {
	millis := func(q float64) func(seen) float64 {
		return func(s seen) float64 { return quantile(s.took, q).Seconds() * 1000 }
	}
	changes := func(s step) bool { return s.change != nil }
	steady := func(s step) bool { return s.change == nil }
	return []figure{
		{title: "p50", format: "%.1f", of: millis(0.5)},
		{title: "p99", format: "%.1f", of: millis(0.99)},
		{title: "p99.9", format: "%.1f", of: millis(0.999)},
		{title: "load late p99", format: "%.2f", of: func(s seen) float64 { return quantile(s.late, 0.99).Seconds() * 1000 }},
		{title: callsPerEvent, format: "%.4f", of: func(s seen) float64 {
			return float64(sum(s.calls)+sum(s.refused)) / float64(max(len(s.took), 1))
		}},
		{title: toTheBad, format: "%.3f", of: seen.bad, when: steady},
		{title: largestShare, format: "%.3f", of: seen.largest, when: steady},
		{title: fromItsSize, format: "%.1f", of: seen.farthest, when: steady},
		{title: failedEvents, format: "%.0f", of: func(s seen) float64 { return float64(s.failed) }},
		{title: backAfter, format: "%.2f", of: seen.back, when: changes},
		{title: herd, format: "%.1f", of: seen.herd, when: changes},
		{title: triesAtIt, format: "%.0f", of: seen.refusedAtFirst, when: changes, know: func(o outcome) bool { return o.refused != nil }},
	}
}

// columns are the figures of a step.
func (s step) columns() (all []figure) {
	for _, f := range figures() {
		if f.when == nil || f.when(s) {
			all = append(all, f)
		}
	}
	return all
}

func figureOf(title string) figure {
	all := figures()
	return all[slices.IndexFunc(all, func(f figure) bool { return f.title == title })]
}

func sum(calls []int64) (all int64) {
	for _, n := range calls {
		all += n
	}
	return all
}

// bad is the part of the calls that went to the slow or broken server.
func (s seen) bad() float64 {
	at := max(s.fleet.Slow, s.fleet.Broken)
	if at < 0 {
		return 0
	}
	return 100 * float64(s.calls[at]) / float64(sum(s.calls))
}

func (s seen) largest() float64 {
	there := len(s.calls) - len(s.fleet.Gone)
	return float64(slices.Max(s.calls)) * float64(there) / float64(sum(s.calls))
}

// farthest is how far a server's share is from what its slots are of all that are there.
func (s seen) farthest() (most float64) {
	slots := 0
	for i, n := range s.fleet.Slots {
		if !slices.Contains(s.fleet.Gone, i) {
			slots += n
		}
	}
	for i, n := range s.calls {
		if slices.Contains(s.fleet.Gone, i) {
			continue
		}
		share := float64(n) / float64(sum(s.calls)) * float64(slots) / float64(s.fleet.Slots[i])
		most = max(most, 100*max(share-1, 1-share))
	}
	return most
}

// halfSecond is what shares are read over: some hundred calls.
const halfSecond = 500 * time.Millisecond

// shares are the parts of all calls that a server had, each over half a second that
// ends with a sample.
func (s seen) shares() (ends []time.Duration, parts []float64) {
	from := 0
	for i, last := range s.series {
		for from < i && last.at-s.series[from+1].at >= halfSecond {
			from++
		}
		first := s.series[from]
		if last.at-first.at < halfSecond {
			continue
		}
		of, all := last.calls[s.subject]-first.calls[s.subject], sum(last.calls)-sum(first.calls)
		ends, parts = append(ends, last.at), append(parts, float64(of)/float64(max(all, 1)))
	}
	return ends, parts
}

// back is when the server first had half of its part, in seconds; of one that does not
// get there as long as was watched.
func (s seen) back() float64 {
	ends, parts := s.shares()
	there := len(s.fleet.Slots) - len(s.fleet.Gone)
	for i, part := range parts {
		if part >= 0.5/float64(there) {
			return ends[i].Seconds()
		}
	}
	return s.window.Seconds()
}

// refusedAtFirst are the tries that found nobody in the first second: later ones find
// out now and then if the server is back.
func (s seen) refusedAtFirst() float64 {
	first := s.series[0].refused[s.subject]
	last := first
	for _, one := range s.series {
		if one.at <= time.Second+every/2 {
			last = one.refused[s.subject]
		}
	}
	return float64(last - first)
}

// herd is the largest part of all calls that the server had.
func (s seen) herd() float64 {
	_, parts := s.shares()
	return 100 * slices.Max(append(parts, 0))
}
