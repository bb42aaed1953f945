package main

import (
	"fmt"
	"slices"

	"betimes/bench/spread"
)

// promise is a bound that was set before anything was measured.
type promise struct {
	figure string // as in compared; of betimes alone as in columns
	to     string // the other system; empty: it is of betimes alone
	most   float64
	least  float64 // instead of most
}

// promises are those of a scenario.
func promises(sc scenario) []promise {
	switch {
	case sc.kind == bursts:
		return []promise{{figure: toIdeal, most: 1.2}, {figure: "not back"}, {figure: late, to: parallelConsumer, most: 0.5}}
	case sc.kind == changes:
		bound := mayLearn.Seconds()
		return []promise{
			{figure: learnedSlower, most: bound}, {figure: learnedBack, most: bound},
			{figure: steadyP99, to: reference, most: 1.15}, {figure: steadySlowP99, to: reference, most: 1.15},
		}
	case sc.name == "p1" || sc.name == "p1-2500":
		return []promise{{figure: "p50", to: "F1", most: 1.10}, {figure: "p99", to: "F1", most: 1.30}, {figure: "CPU", to: "F1", most: 1.20}}
	case sc.batches.Executors > 0 && sc.kind == latencies:
		return []promise{{figure: "p99", to: reference, most: 1.15}}
	case sc.kind == capacity:
		return []promise{{figure: "rate", to: "blocking", least: 3}}
	case sc.kind == latencies:
		return []promise{{figure: "p50", to: "F1", most: 1.10}, {figure: "p99", to: "F1", most: 1.30}, {figure: "CPU", to: "F1", most: 1.15}}
	}
	return nil
}

// sustains is the least part of F1's rate that is promised where the highest is
// searched for; 0: none.
func (s scenario) sustains() float64 {
	switch {
	case s.kind != sustained:
		return 0
	case s.batches.Executors > 0:
		return 5
	}
	return 0.8
}

// line says what was promised and what came out.
func (p promise) line(sc scenario, turns []turn) string {
	columns, name := sc.compared(), p.figure+" ÷ "+p.to
	if p.to == "" {
		columns, name = sc.columns(), p.figure
	}
	c := columns[slices.IndexFunc(columns, func(c column) bool { return c.title == p.figure })]
	got := counted("betimes", turns, c.of)
	if p.to != "" {
		got = ratios("betimes", p.to, turns, c.of)
	}
	bound := fmt.Sprintf("at most %.2f", p.most)
	kept := func(v float64) bool { return v <= p.most }
	if p.least > 0 {
		bound, kept = fmt.Sprintf("at least %.2f", p.least), func(v float64) bool { return v >= p.least }
	}
	said := "nothing to tell by"
	if len(got) > 0 {
		said = "missed"
		if kept(spread.Median(got)) {
			said = "kept"
		}
	}
	return fmt.Sprintf("- %s %s: %s, %s", name, bound, spread.Of("%.2f", got), said)
}
