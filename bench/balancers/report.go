package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// figure is one column: a number of one run.
type figure struct {
	title, format string
	of            func(scenario, outcome) float64
}

func figures() []figure {
	millis := func(q float64) func(scenario, outcome) float64 {
		return func(_ scenario, o outcome) float64 { return quantile(o.took, q).Seconds() * 1000 }
	}
	return []figure{
		{"p50", "%.1f", millis(0.5)}, {"p99", "%.1f", millis(0.99)}, {"p99.9", "%.1f", millis(0.999)},
		{"load late p99", "%.2f", func(_ scenario, o outcome) float64 { return quantile(o.late, 0.99).Seconds() * 1000 }},
		{"calls/event", "%.4f", func(_ scenario, o outcome) float64 { return float64(sum(o.calls)) / float64(len(o.took)+o.failed) }},
		{"to the bad one, %", "%.3f", bad},
		{"largest/mean share", "%.3f", largest},
		{"farthest from its size, %", "%.1f", farthest},
		{"failed", "%.0f", func(_ scenario, o outcome) float64 { return float64(o.failed) }},
	}
}

func sum(calls []int64) (all int64) {
	for _, n := range calls {
		all += n
	}
	return all
}

// bad is the part of the calls that went to the slow or broken server.
func bad(s scenario, o outcome) float64 {
	at := max(s.fleet.Slow, s.fleet.Broken)
	if at < 0 {
		return 0
	}
	return 100 * float64(o.calls[at]) / float64(sum(o.calls))
}

func largest(_ scenario, o outcome) float64 {
	return float64(slices.Max(o.calls)) * float64(len(o.calls)) / float64(sum(o.calls))
}

// farthest is how far a server's share is from what its slots are of all.
func farthest(s scenario, o outcome) (most float64) {
	slots := 0
	for _, n := range s.fleet.Slots {
		slots += n
	}
	for i, n := range o.calls {
		share := float64(n) / float64(sum(o.calls)) * float64(slots) / float64(s.fleet.Slots[i])
		most = max(most, 100*max(share-1, 1-share))
	}
	return most
}

// report writes the table of a scenario: medians with their range over the turns,
// then what betimes is to each, formed within a turn.
func report(s scenario, all map[string][]outcome) {
	fmt.Printf("\n| system (ms, median [least–most]) |")
	for _, f := range figures() {
		fmt.Printf(" %s |", f.title)
	}
	fmt.Printf(" void |\n|---|%s\n", strings.Repeat("---|", len(figures())+1))
	for _, name := range s.systems {
		runs := counted(all[name])
		if len(all[name]) == 0 {
			fmt.Printf("| %s | not run |\n", name)
			continue
		}
		fmt.Printf("| %s |", name)
		for _, f := range figures() {
			var values []float64
			for _, o := range runs {
				values = append(values, f.of(s, o))
			}
			fmt.Printf(" %s |", spread(f.format, values))
		}
		fmt.Printf(" %d |\n", len(all[name])-len(runs))
	}
	ours := s.systems[0]
	if slices.Contains(s.systems, hedging) {
		ours = hedging
	}
	fmt.Printf("\n| %s ÷ | p50 | p99 | p99.9 |\n|---|---|---|---|\n", ours)
	for _, name := range s.systems {
		if name != ours && len(all[name]) > 0 {
			fmt.Printf("| %s | %s | %s | %s |\n", name, ratio(all, ours, name, 0.5), ratio(all, ours, name, 0.99), ratio(all, ours, name, 0.999))
		}
	}
}

func counted(all []outcome) (runs []outcome) {
	for _, o := range all {
		if o.void == "" {
			runs = append(runs, o)
		}
	}
	return runs
}

func ratio(all map[string][]outcome, ours, other string, q float64) string {
	var values []float64
	for i, o := range all[ours] {
		if i < len(all[other]) && o.void == "" && all[other][i].void == "" {
			values = append(values, float64(quantile(o.took, q))/float64(max(quantile(all[other][i].took, q), time.Microsecond)))
		}
	}
	return spread("%.2f", values)
}

// spread is the median and the range.
func spread(format string, values []float64) string {
	if len(values) == 0 {
		return "–"
	}
	slices.Sort(values)
	one := func(v float64) string { return fmt.Sprintf(format, v) }
	return one(values[len(values)/2]) + " [" + one(values[0]) + "–" + one(values[len(values)-1]) + "]"
}
