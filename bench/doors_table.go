package main

import (
	"fmt"
	"strings"
	"time"

	"betimes/bench/spread"
)

// doorColumn is one figure of a client's row.
type doorColumn struct {
	title, format string
	of            func(told) float64
}

func doorColumns() []doorColumn {
	millis := func(f func(told) time.Duration) func(told) float64 {
		return func(t told) float64 { return f(t).Seconds() * 1000 }
	}
	return []doorColumn{
		{"calls/s", "%.0f", func(t told) float64 { return float64(t.Calls) / t.Window.Seconds() }},
		{"p50", "%.2f", millis(func(t told) time.Duration { return t.P50 })},
		{"p99", "%.2f", millis(func(t told) time.Duration { return t.P99 })},
		{"p99.9", "%.2f", millis(func(t told) time.Duration { return t.P999 })},
		{"max", "%.1f", millis(func(t told) time.Duration { return t.Max })},
		{"p99 since due", "%.2f", millis(func(t told) time.Duration { return t.DueP99 })},
		{"CPU s/M calls", "%.0f", told.perMillion},
		{"conns/1000", "%.1f", told.perThousand},
		{"lag p99", "%.2f", millis(func(t told) time.Duration { return t.LagP99 })},
	}
}

// doorPromise is a bound on what the door is to another client, or alone.
type doorPromise struct {
	figure, to string // to is empty: alone
	most       float64
	of         func(told) float64
}

func doorPromises() []doorPromise {
	return []doorPromise{
		{"connections per 1,000 calls", "", 10, told.perThousand},
		{"CPU per call", tunedClient, 0.5, told.perMillion},
		{"p99", bareClient, 1.15, func(t told) float64 { return t.P99.Seconds() }},
	}
}

// knocking writes what all tables of the scenario share.
func (r *report) knocking(sc scenario) {
	turns := r.o.turnsOf(sc, embedded)
	fmt.Fprintf(r.out, "\n#### %s: %s\n\n", strings.ToUpper(sc.name), sc.what)
	if r.o.window < leastWindow || turns < 5 {
		fmt.Fprintf(r.out, "A look only: fewer than 5 turns, or a window below %s.\n\n", leastWindow)
	}
	fmt.Fprintf(r.out, "The emulator of this tree on core 0, a client alone on core 1, processes of their own in each run · turns: %d of %s after %s · seed %d…\n\n", turns, r.o.window, doorWarmUp, r.o.seed)
	for _, c := range clients() {
		fmt.Fprintf(r.out, "- %s: %s\n", c.name, c.settings)
	}
}

// knocked writes the table of one way of asking, and what became of the promises.
func (r *report) knocked(how asked, turns []map[string]told) {
	fmt.Fprintf(r.out, "\n%s (ms, median [least–most])\n\n| client |", how.what)
	for _, c := range doorColumns() {
		fmt.Fprintf(r.out, " %s |", c.title)
	}
	fmt.Fprintf(r.out, " void |\n|---|%s\n", strings.Repeat("---|", len(doorColumns())+1))
	for _, one := range clients() {
		fmt.Fprintf(r.out, "| %s |", one.name)
		for _, c := range doorColumns() {
			fmt.Fprintf(r.out, " %s |", spread.Of(c.format, countedTold(one.name, turns, c.of)))
		}
		fmt.Fprintf(r.out, " %s |\n", voidsTold(one.name, turns))
	}
	fmt.Fprintln(r.out)
	for _, p := range doorPromises() {
		fmt.Fprintln(r.out, p.line(turns))
	}
}

// countedTold gives one figure of the runs of a client that count.
func countedTold(name string, turns []map[string]told, of func(told) float64) []float64 {
	var all []float64
	for _, t := range turns {
		if t[name].void == "" {
			all = append(all, of(t[name]))
		}
	}
	return all
}

func voidsTold(name string, turns []map[string]told) string {
	var all []string
	for i, t := range turns {
		if why := t[name].void; why != "" {
			all = append(all, fmt.Sprintf("turn %d: %s", i+1, why))
		}
	}
	return strings.Join(all, "; ")
}

// line says what was promised and what came out; ratios are formed within a turn.
func (p doorPromise) line(turns []map[string]told) string {
	what := "- " + p.figure
	var got []float64
	for _, t := range turns {
		ours, theirs := t[doorClient], t[p.to]
		switch {
		case ours.void != "" || theirs.void != "":
		case p.to == "":
			got = append(got, p.of(ours))
		default:
			got = append(got, p.of(ours)/p.of(theirs))
		}
	}
	if p.to != "" {
		what += " ÷ " + p.to
	}
	said := "nothing to tell by"
	if len(got) > 0 {
		said = "missed"
		if spread.Median(got) <= p.most {
			said = "kept"
		}
	}
	return fmt.Sprintf("%s at most %.2f: %s, %s", what, p.most, spread.Of("%.2f", got), said)
}
