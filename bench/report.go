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

// lagShare is the part of a reported p99 that may be the load's own lag. Load and
// servers share a core and a priority, so that it is a tenth to a sixth on two
// quiet cores; ratios are formed of times since the actual send, which have none.
const lagShare = 0.25

// voidness says why a run does not count, or nothing.
func voidness(r result) string {
	switch {
	case r.Lost > 0:
		return fmt.Sprintf("lost %d", r.Lost)
	case r.Duplicated > 0:
		return fmt.Sprintf("duplicated %d", r.Duplicated)
	case r.Wrong > 0:
		return fmt.Sprintf("wrong values %d", r.Wrong)
	case r.Records < minRecords:
		return fmt.Sprintf("only %d records in the window", r.Records)
	case (r.Latency.P99 - r.FromSent.P99).Seconds() > lagShare*r.Latency.P99.Seconds():
		return fmt.Sprintf("load late: p99 is %s ms, %s ms from the actual send", ms(r.Latency.P99), ms(r.FromSent.P99))
	}
	return ""
}

// perMillion is CPU seconds per million records.
func (r result) perMillion() float64 { return r.cpu.Seconds() / float64(r.Records) * 1e6 }

// report writes Markdown for RESULTS.md to out and progress to stderr.
type report struct {
	out io.Writer
}

func newReport(out io.Writer, o options) *report {
	fmt.Fprintf(out, "### %s, %s\n\n", strings.ToUpper(o.scenario), time.Now().UTC().Format("2006-01-02"))
	fmt.Fprintf(out, "%s · commit %s · broker embedded (1, %d partitions) · Poisson, seed %d… · %d turns of %s after %s · stub service time %s · peers: not run\n",
		hardware(), commit(), partitions, o.seed, o.turns, o.window, warmUp, o.service)
	return &report{out}
}

func (*report) progress(name string, n int, rate float64, r result) {
	fmt.Fprintf(os.Stderr, "turn %d %5.0f/s %-8s p50 %s p99 %s p99.9 %s, %.0f s/M, %.0f MB, lag p99 %s, foreign %.2f %s\n", n, rate, name,
		ms(r.Latency.P50), ms(r.Latency.P99), ms(r.Latency.P999), r.perMillion(), float64(r.peak)/1e6, ms(r.Lag.P99), r.foreign, r.void)
}

// table writes one row per system: medians with their range over the turns that
// count, and ratios to F1 formed within a turn.
func (r *report) table(rate float64, systems []system, turns []turn) {
	fmt.Fprintf(r.out, "\n%.0f/s (ms, median [least–most])\n\n", rate)
	fmt.Fprintln(r.out, "| system | p50 | p99 | p99.9 | CPU s/M | peak MB | conns/1000 | calls/record | lag p50/p99 | foreign cores | reordered | p50/F1 | p99/F1 | CPU/F1 | void |")
	fmt.Fprintln(r.out, "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|")
	for _, s := range systems {
		fmt.Fprintln(r.out, row(s.name, turns))
	}
}

func row(name string, turns []turn) string {
	over := func(format string, f func(result) float64) string { return spread(format, counted(name, turns, f)) }
	ratio := func(f func(result) float64) string {
		if name == "F1" {
			return "1"
		}
		return spread("%.2f", ratios(name, "F1", turns, f))
	}
	p50 := func(r result) float64 { return r.Latency.P50.Seconds() * 1000 }
	p99 := func(r result) float64 { return r.Latency.P99.Seconds() * 1000 }
	sent50 := func(r result) float64 { return r.FromSent.P50.Seconds() }
	sent99 := func(r result) float64 { return r.FromSent.P99.Seconds() }
	cells := []string{
		name, over("%.2f", p50), over("%.2f", p99), over("%.2f", func(r result) float64 { return r.Latency.P999.Seconds() * 1000 }),
		over("%.0f", result.perMillion), over("%.0f", func(r result) float64 { return float64(r.peak) / 1e6 }),
		over("%.1f", func(r result) float64 { return float64(r.connections) / max(float64(r.calls), 1) * 1000 }),
		over("%.2f", func(r result) float64 { return float64(r.calls) / float64(r.Records) }),
		over("%.2f", func(r result) float64 { return r.Lag.P50.Seconds() * 1000 }) + " / " + over("%.2f", func(r result) float64 { return r.Lag.P99.Seconds() * 1000 }),
		over("%.2f", func(r result) float64 { return r.foreign }), over("%.0f", func(r result) float64 { return float64(r.Reordered) }),
		ratio(sent50), ratio(sent99), ratio(result.perMillion), voids(name, turns),
	}
	return "| " + strings.Join(cells, " | ") + " |"
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

// ratios divides a system's figure by the floor's of the same turn, where both count.
func ratios(name, floor string, turns []turn, f func(result) float64) []float64 {
	var all []float64
	for _, t := range turns {
		if t[name].void == "" && t[floor].void == "" && f(t[floor]) > 0 {
			all = append(all, f(t[name])/f(t[floor]))
		}
	}
	return all
}

// spread is median [least–most].
func spread(format string, values []float64) string {
	if len(values) == 0 {
		return "–"
	}
	slices.Sort(values)
	middle := (values[(len(values)-1)/2] + values[len(values)/2]) / 2
	if len(values) == 1 {
		return fmt.Sprintf(format, middle)
	}
	return fmt.Sprintf(format+" ["+format+"–"+format+"]", middle, values[0], values[len(values)-1])
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
