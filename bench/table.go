package main

import (
	"fmt"
	"strings"
	"time"

	"betimes/bench/spread"
)

// column is one figure of a table.
type column struct {
	title  string
	format string
	of     func(result) float64
}

// columns are the figures of a scenario's table. Times say nothing of a system
// that cannot keep up.
func (s scenario) columns() []column {
	switch s.kind {
	case capacity:
		return columns()[4:]
	case bursts:
		return append(waves(), columns()[3:]...)
	case changes:
		return append(courses(), columns()[4:]...)
	}
	return columns()
}

// waves are the figures of bursts.
func waves() []column {
	seconds := func(f func(wave) time.Duration) func(result) float64 {
		return func(r result) float64 { return f(r.wave).Seconds() }
	}
	return []column{
		{recovers, "%.2f", seconds(func(w wave) time.Duration { return w.recovery })},
		{"ideal, s", "%.2f", seconds(func(w wave) time.Duration { return w.ideal })},
		{toIdeal, "%.2f", func(r result) float64 { return r.wave.recovery.Seconds() / max(r.wave.ideal.Seconds(), 0.001) }},
		{late, "%.2f", seconds(func(w wave) time.Duration { return w.over })},
	}
}

// Figures of bursts that promises name.
const (
	recovers = "in time after, s"
	toIdeal  = "÷ ideal"
	late     = "late for, s"
)

// columns are the figures of a table of latencies, times first.
func columns() []column {
	millis := func(f func(result) time.Duration) func(result) float64 {
		return func(r result) float64 { return f(r).Seconds() * 1000 }
	}
	return []column{
		{"p50", "%.2f", millis(func(r result) time.Duration { return r.Latency.P50 })},
		{"p99", "%.2f", millis(func(r result) time.Duration { return r.Latency.P99 })},
		{"p99.9", "%.2f", millis(func(r result) time.Duration { return r.Latency.P999 })},
		{"max", "%.1f", millis(func(r result) time.Duration { return r.Latency.Max })},
		{"back/s", "%.0f", result.pace},
		{"CPU s/M", "%.0f", result.perMillion},
		{"peak MB", "%.0f", func(r result) float64 { return float64(r.peak) / 1e6 }},
		{"conns/1000", "%.1f", result.perThousand},
		{"calls/record", "%.2f", func(r result) float64 { return float64(r.calls) / max(float64(r.Back), 1) }},
		{"lag p50", "%.3f", millis(func(r result) time.Duration { return r.Lag.P50 })},
		{"lag p99", "%.3f", millis(func(r result) time.Duration { return r.Lag.P99 })},
		{"foreign cores", "%.2f", func(r result) float64 { return r.foreign }},
		{"not back", "%.0f", func(r result) float64 { return float64(r.Lost) }},
		{"reordered", "%.0f", func(r result) float64 { return float64(r.Reordered) }},
	}
}

// compared are the figures that ratios are formed of: those of latency since
// the actual send, which hold nothing of the load's own lag.
func (s scenario) compared() []column {
	switch s.kind {
	case capacity:
		return compared()[2:]
	case bursts:
		return append([]column{waves()[0], waves()[3]}, compared()[2:]...)
	case changes:
		return append(courses()[:2], compared()[2:]...)
	}
	return compared()
}

func compared() []column {
	return []column{
		{"p50", "%.2f", func(r result) float64 { return r.FromSent.P50.Seconds() }},
		{"p99", "%.2f", func(r result) float64 { return r.FromSent.P99.Seconds() }},
		{"CPU", "%.2f", result.perMillion},
		{"memory", "%.2f", func(r result) float64 { return float64(r.peak) }},
		{"rate", "%.2f", result.kept},
	}
}

// table writes one row per system: medians with their range over the turns that
// count; then what betimes is to each other system, formed within a turn.
func (r *report) table(sc scenario, rate float64, systems []system, turns []turn) {
	fmt.Fprintf(r.out, "\n%.0f/s (ms, median [least–most])\n\n| system |", rate)
	for _, c := range sc.columns() {
		fmt.Fprintf(r.out, " %s |", c.title)
	}
	fmt.Fprintf(r.out, " void |\n|---|%s\n", strings.Repeat("---|", len(sc.columns())+1))
	for _, s := range systems {
		fmt.Fprintf(r.out, "| %s |", s.name)
		for _, c := range sc.columns() {
			fmt.Fprintf(r.out, " %s |", spread.Of(c.format, counted(s.name, turns, c.of)))
		}
		fmt.Fprintf(r.out, " %s |\n", voids(s.name, turns))
	}
	r.against(sc, systems, turns)
}

// against writes what betimes is to each other system.
func (r *report) against(sc scenario, systems []system, turns []turn) {
	fmt.Fprintf(r.out, "\n| betimes ÷ |")
	for _, c := range sc.compared() {
		fmt.Fprintf(r.out, " %s |", c.title)
	}
	fmt.Fprintf(r.out, "\n|---|%s\n", strings.Repeat("---|", len(sc.compared())))
	for _, s := range systems {
		if s.name == "betimes" {
			continue
		}
		fmt.Fprintf(r.out, "| %s |", s.name)
		for _, c := range sc.compared() {
			fmt.Fprintf(r.out, " %s |", spread.Of(c.format, ratios("betimes", s.name, turns, c.of)))
		}
		fmt.Fprintln(r.out)
	}
	for _, p := range promises(sc) {
		fmt.Fprintln(r.out, p.line(sc, turns))
	}
}

// found writes what a search for a rate ended with.
func (r *report) found(sc scenario, systems []system, results map[string]found) {
	fmt.Fprintf(r.out, "\n| system | sustained/s | p99 there, ms | CPU s/M | a core is full at/s | peak MB | not sustained/s | because | betimes ÷ | of a full core ÷ |\n|---|---|---|---|---|---|---|---|---|---|\n")
	ours := results["betimes"].best
	for _, s := range systems {
		f := results[s.name]
		cells := []string{s.name, "none", "–", "–", "–", "–", "–", "–", "–", "–"}
		if b := f.best; b != nil {
			cells[1], cells[2], cells[3] = fmt.Sprintf("%.0f", b.rate), ms(b.Latency.P99), fmt.Sprintf("%.0f", b.perMillion())
			cells[4], cells[5] = fmt.Sprintf("%.0f", 1e6/b.perMillion()), fmt.Sprintf("%.0f", float64(b.peak)/1e6)
			if ours != nil {
				cells[8], cells[9] = fmt.Sprintf("%.2f", ours.rate/b.rate), fmt.Sprintf("%.2f", b.perMillion()/ours.perMillion())
			}
		}
		if b := f.failed; b != nil {
			cells[6], cells[7] = fmt.Sprintf("%.0f", b.rate), b.void
		}
		fmt.Fprintf(r.out, "| %s |\n", strings.Join(cells, " | "))
	}
	least, floor := sc.sustains(), results["F1"].best
	if least == 0 || ours == nil || floor == nil {
		return
	}
	said := "missed"
	if ours.rate/floor.rate >= least {
		said = "kept"
	}
	fmt.Fprintf(r.out, "- sustained ÷ F1 at least %g: %.2f, %s\n", least, ours.rate/floor.rate, said)
}

// counted gives one figure of the runs of a system that count.
func counted(name string, turns []turn, f func(result) float64) []float64 {
	var all []float64
	for _, t := range turns {
		if r, ok := t[name]; ok && r.void == "" {
			all = append(all, f(r))
		}
	}
	return all
}

// ratios divides a system's figure by another's of the same turn, where both count.
func ratios(name, floor string, turns []turn, f func(result) float64) []float64 {
	var all []float64
	for _, t := range turns {
		ours, ran := t[name]
		if ran && ours.void == "" && t[floor].void == "" && f(t[floor]) > 0 {
			all = append(all, f(ours)/f(t[floor]))
		}
	}
	return all
}

func voids(name string, turns []turn) string {
	var all []string
	for i, t := range turns {
		if why := t[name].void; why != "" {
			all = append(all, fmt.Sprintf("turn %d: %s", i+1, why))
		}
	}
	return strings.Join(all, "; ")
}
