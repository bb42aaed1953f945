package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"betimes/bench/spread"
)

// run is one run of one system: an outcome of each step.
type run struct {
	steps  []outcome
	fleets []fleet
	window time.Duration
}

// at is what was seen in a step.
func (r run) at(s scenario, step int) seen {
	return seen{outcome: r.steps[step], fleet: r.fleets[step], subject: s.steps[step].subject, window: r.window}
}

// values are a figure of the runs that count, or of void ones too.
func (s scenario) values(f figure, runs []run, step int, void bool) (all []float64) {
	for _, r := range runs {
		if o := r.steps[step]; (void || o.void == "") && (f.know == nil || f.know(o)) {
			all = append(all, f.of(r.at(s, step)))
		}
	}
	return all
}

// ratios are formed within a turn where both runs count.
func (s scenario) ratios(f figure, all map[string][]run, other string, step int) (values []float64) {
	for i, ours := range all[s.ours()] {
		if i >= len(all[other]) || ours.steps[step].void != "" || all[other][i].steps[step].void != "" {
			continue
		}
		if of := f.of(all[other][i].at(s, step)); of > 0 {
			values = append(values, f.of(ours.at(s, step))/of)
		}
	}
	return values
}

// report writes the tables of a scenario: medians with their range over the turns,
// what betimes is to each, formed within a turn, and what was promised.
func report(to io.Writer, s scenario, all map[string][]run) {
	for n, one := range s.steps {
		s.table(to, n, one, all)
		s.against(to, n, all)
	}
	fmt.Fprintln(to)
	for _, p := range s.promises {
		fmt.Fprintln(to, p.line(s, all))
	}
}

// table is one step.
func (s scenario) table(to io.Writer, n int, one step, all map[string][]run) {
	columns := one.columns()
	fmt.Fprintf(to, "\n| %s (ms, median [least–most]) |", one.what)
	for _, f := range columns {
		fmt.Fprintf(to, " %s |", f.title)
	}
	fmt.Fprintf(to, " void |\n|---|%s\n", strings.Repeat("---|", len(columns)+1))
	for _, name := range s.systems {
		runs := all[name]
		if len(runs) == 0 {
			fmt.Fprintf(to, "| %s | not run |\n", name)
			continue
		}
		fmt.Fprintf(to, "| %s |", name)
		for _, f := range columns {
			fmt.Fprintf(to, " %s |", spread.Of(f.format, s.values(f, runs, n, false)))
		}
		fmt.Fprintf(to, " %s |\n", voids(runs, n))
	}
}

// against is what betimes is to each other system in a step.
func (s scenario) against(to io.Writer, n int, all map[string][]run) {
	fmt.Fprintf(to, "\n| %s ÷ | p50 | p99 | p99.9 |\n|---|---|---|---|\n", s.ours())
	for _, name := range s.systems {
		if name == s.ours() || len(all[name]) == 0 {
			continue
		}
		fmt.Fprintf(to, "| %s |", name)
		for _, title := range []string{"p50", "p99", "p99.9"} {
			fmt.Fprintf(to, " %s |", spread.Of("%.2f", s.ratios(figureOf(title), all, name, n)))
		}
		fmt.Fprintln(to)
	}
}

// voids are the turns that do not count, and why.
func voids(runs []run, step int) string {
	var all []string
	for i, r := range runs {
		if why := r.steps[step].void; why != "" {
			all = append(all, fmt.Sprintf("turn %d: %s", i+1, why))
		}
	}
	return strings.Join(all, "; ")
}
