package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// minRecords is the least a window needs: p99.9 of fewer rests on less than ten.
const minRecords = 10_000

// turn is one run of every system, by name.
type turn map[string]result

// leastWindow is what a result needs; below it runs are for a look only.
const leastWindow = 10 * time.Second

// lagShare is the part of a reported p99 that the load's own lag may be as long as.
const lagShare = 0.10

// voidness says why a run does not count, or nothing.
func (s scenario) voidness(r result) string {
	switch {
	case r.Lost > 0:
		return fmt.Sprintf("lost %d", r.Lost)
	case r.Duplicated > 0:
		return fmt.Sprintf("duplicated %d", r.Duplicated)
	case r.Wrong > 0:
		return fmt.Sprintf("wrong values %d", r.Wrong)
	case s.kind == sustained:
		return unsustained(r)
	case s.kind == latencies && r.Records < minRecords && r.window >= leastWindow:
		return fmt.Sprintf("only %d records in the window", r.Records)
	case r.Lag.P99.Seconds() > lagShare*r.Latency.P99.Seconds():
		return fmt.Sprintf("load late: its p99 is %s ms, the system's %s ms", ms(r.Lag.P99), ms(r.Latency.P99))
	}
	return ""
}

// perMillion is CPU seconds per million records.
func (r result) perMillion() float64 { return r.cpu.Seconds() / float64(r.Records) * 1e6 }

// pace is how many records a second came back in the window.
func (r result) pace() float64 { return float64(r.Back) / r.window.Seconds() }

// perThousand is how many connections were opened for 1,000 calls.
func (r result) perThousand() float64 {
	return float64(r.connections) / max(float64(r.asked), 1) * 1000
}

// report writes Markdown for RESULTS.md to out and progress to stderr.
type report struct {
	out     io.Writer
	o       options
	missing []absent
}

func newReport(out io.Writer, o options, missing []absent) *report {
	fmt.Fprintf(out, "### Speed, %s\n\n%s · commit %s\n", time.Now().UTC().Format("2006-01-02"), hardware(), commit())
	return &report{out, o, missing}
}

// begin writes what all tables of a scenario share.
func (r *report) begin(sc scenario, g *ground, taking []system) {
	fmt.Fprintf(r.out, "\n#### %s: %s\n\n", strings.ToUpper(sc.name), sc.what)
	if r.o.window < leastWindow || r.o.turns < 5 && sc.kind == latencies {
		fmt.Fprintf(r.out, "A look only: fewer than 5 turns, or a window below %s.\n\n", leastWindow)
	}
	fmt.Fprintf(r.out, "Broker %s, %d partitions, %d keys · Poisson, seed %d… ", g.what, partitions, keys, r.o.seed)
	if sc.kind == sustained {
		fmt.Fprintf(r.out, "· %d steps of %s after %s (Java %s)\n\n", steps, searchWindow, warmUp, javaWarmUp)
	} else {
		fmt.Fprintf(r.out, "· %d turns of %s and longer after %s (Java %s)\n\n", r.o.turns, r.o.window, warmUp, javaWarmUp)
	}
	for _, s := range taking {
		fmt.Fprintf(r.out, "- %s: %s\n", s.name, s.settings)
	}
	for _, a := range r.missing {
		fmt.Fprintf(r.out, "- %s: not run (%s)\n", a.name, a.why)
	}
}

func (*report) progress(name string, n int, r result) {
	fmt.Fprintf(os.Stderr, "%s turn %d %5.0f/s %-8s p50 %s p99 %s p99.9 %s, %.0f back/s, %.0f s/M, %.0f MB, lag p99 %s, foreign %.2f %s\n",
		time.Now().Format(time.TimeOnly), n, r.rate, name, ms(r.Latency.P50), ms(r.Latency.P99), ms(r.Latency.P999),
		r.pace(), r.perMillion(), float64(r.peak)/1e6, ms(r.Lag.P99), r.foreign, r.void)
}

// column is one figure of a table.
type column struct {
	title  string
	format string
	of     func(result) float64
}

// columns are the figures of a table of latencies.
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
		{"calls/record", "%.2f", func(r result) float64 { return float64(r.calls) / float64(r.Records) }},
		{"lag p50", "%.3f", millis(func(r result) time.Duration { return r.Lag.P50 })},
		{"lag p99", "%.3f", millis(func(r result) time.Duration { return r.Lag.P99 })},
		{"foreign cores", "%.2f", func(r result) float64 { return r.foreign }},
		{"reordered", "%.0f", func(r result) float64 { return float64(r.Reordered) }},
	}
}

// compared are the figures that ratios are formed of: those of latency since
// the actual send, which hold nothing of the load's own lag.
func compared() []column {
	return []column{
		{"p50", "%.2f", func(r result) float64 { return r.FromSent.P50.Seconds() }},
		{"p99", "%.2f", func(r result) float64 { return r.FromSent.P99.Seconds() }},
		{"CPU", "%.2f", result.perMillion},
		{"memory", "%.2f", func(r result) float64 { return float64(r.peak) }},
		{"rate", "%.2f", result.pace},
	}
}

// table writes one row per system: medians with their range over the turns that
// count; then what betimes is to each other system, formed within a turn.
func (r *report) table(sc scenario, rate float64, systems []system, turns []turn) {
	fmt.Fprintf(r.out, "\n%.0f/s (ms, median [least–most])\n\n| system |", rate)
	for _, c := range columns() {
		fmt.Fprintf(r.out, " %s |", c.title)
	}
	fmt.Fprintf(r.out, " void |\n|---|%s\n", strings.Repeat("---|", len(columns())+1))
	for _, s := range systems {
		fmt.Fprintf(r.out, "| %s |", s.name)
		for _, c := range columns() {
			fmt.Fprintf(r.out, " %s |", spread(c.format, counted(s.name, turns, c.of)))
		}
		fmt.Fprintf(r.out, " %s |\n", voids(s.name, turns))
	}
	r.against(sc, systems, turns)
}

// against writes what betimes is to each other system.
func (r *report) against(sc scenario, systems []system, turns []turn) {
	fmt.Fprintf(r.out, "\n| betimes ÷ |")
	for _, c := range compared() {
		fmt.Fprintf(r.out, " %s |", c.title)
	}
	fmt.Fprintf(r.out, "\n|---|%s\n", strings.Repeat("---|", len(compared())))
	for _, s := range systems {
		if s.name == "betimes" {
			continue
		}
		fmt.Fprintf(r.out, "| %s |", s.name)
		for _, c := range compared() {
			fmt.Fprintf(r.out, " %s |", spread(c.format, ratios("betimes", s.name, turns, c.of)))
		}
		fmt.Fprintln(r.out)
	}
	for _, p := range promises(sc) {
		fmt.Fprintln(r.out, p.line(turns))
	}
}

// found writes what a search for a rate ended with.
func (r *report) found(systems []system, results map[string]found) {
	fmt.Fprintf(r.out, "\n| system | sustained/s | p99 there, ms | CPU s/M | peak MB | not sustained/s | because | lag p99 there, ms | betimes ÷ |\n|---|---|---|---|---|---|---|---|---|\n")
	ours := results["betimes"].best
	for _, s := range systems {
		f := results[s.name]
		cells := []string{s.name, "none", "–", "–", "–", "–", "–", "–", "–"}
		if b := f.best; b != nil {
			cells[1], cells[2] = fmt.Sprintf("%.0f", b.rate), ms(b.Latency.P99)
			cells[3], cells[4] = fmt.Sprintf("%.0f", b.perMillion()), fmt.Sprintf("%.0f", float64(b.peak)/1e6)
			if ours != nil {
				cells[8] = fmt.Sprintf("%.2f", ours.rate/b.rate)
			}
		}
		if b := f.failed; b != nil {
			cells[5], cells[6], cells[7] = fmt.Sprintf("%.0f", b.rate), b.void, ms(b.Lag.P99)
		}
		fmt.Fprintf(r.out, "| %s |\n", strings.Join(cells, " | "))
	}
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

// spread is median [least–most].
func spread(format string, values []float64) string {
	if len(values) == 0 {
		return "–"
	}
	middle := median(values)
	if len(values) == 1 {
		return fmt.Sprintf(format, middle)
	}
	return fmt.Sprintf(format+" ["+format+"–"+format+"]", middle, values[0], values[len(values)-1])
}

// median sorts values.
func median(values []float64) float64 {
	slices.Sort(values)
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
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

func ms(d time.Duration) string { return fmt.Sprintf("%.2f", d.Seconds()*1000) }

// hardware names processor, memory, kernel and Go.
func hardware() string {
	var name unix.Utsname
	_ = unix.Uname(&name)
	cpu := "processor unknown"
	info, _ := os.ReadFile("/proc/cpuinfo")
	if _, after, ok := strings.Cut(string(info), "model name"); ok {
		line, _, _ := strings.Cut(after, "\n")
		cpu = strings.TrimSpace(strings.TrimLeft(line, "\t :"))
	}
	class := "real-time class"
	if os.Getenv(isolatedClass) == "other" {
		class = "no real-time class: latencies carry the machine's other load"
	}
	return fmt.Sprintf("%s, Linux %s, %s, %s", cpu, unix.ByteSliceToString(name.Release[:]), runtime.Version(), class)
}

// commit names the tree that is measured.
func commit() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty", "--abbrev=12").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}
