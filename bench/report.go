package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
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
	case r.Lost > 0 && s.kind != capacity: // there it has only not come back yet
		return fmt.Sprintf("lost %d", r.Lost)
	case r.Duplicated > 0:
		return fmt.Sprintf("duplicated %d", r.Duplicated)
	case r.Wrong > 0:
		return fmt.Sprintf("wrong values %d", r.Wrong)
	case s.kind == sustained:
		return unsustained(r)
	case s.kind == latencies && r.Records < s.fewest() && r.window >= leastWindow:
		return fmt.Sprintf("only %d records in the window", r.Records)
	case (s.kind == latencies || s.kind == changes) && r.Lag.P99.Seconds() > lagShare*r.Latency.P99.Seconds():
		return fmt.Sprintf("load late: its p99 is %s ms, the system's %s ms", ms(r.Lag.P99), ms(r.Latency.P99))
	}
	return ""
}

// perMillion is CPU seconds per million records that came back in the window.
func (r result) perMillion() float64 { return r.cpu.Seconds() / max(float64(r.Back), 1) * 1e6 }

// pace is how many records a second came back in the window.
func (r result) pace() float64 { return float64(r.Back) / r.window.Seconds() }

// kept is the pace, or the rate that was offered where what waited came back too.
func (r result) kept() float64 { return min(r.pace(), r.rate) }

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
	turns := r.o.turnsOf(sc, g.kind)
	if sc.kind == latencies && (r.o.window < leastWindow || turns < 5) {
		fmt.Fprintf(r.out, "A look only: fewer than 5 turns, or a window below %s.\n\n", leastWindow)
	}
	fmt.Fprintf(r.out, "Broker %s, %d partitions, %d keys · Poisson, seed %d… ", g.what, partitions, keys, r.o.seed)
	if sc.kind == sustained {
		fmt.Fprintf(r.out, "· %d steps of %s after %s (Java %s)\n\n", steps, searchWindow, warmUp, javaWarmUp)
	} else {
		fmt.Fprintf(r.out, "· turns: %d of %s and longer after %s (Java %s)\n\n", turns, r.o.window, warmUp, javaWarmUp)
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
