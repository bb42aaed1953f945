package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// cell is one column of a row.
type cell struct {
	name  string
	value any
}

// row is one run; the runs of one table have the same columns.
type row []cell

// report is what a campaign found: tables of rows, and what was not as it must be.
type report struct {
	title    string
	where    string
	rows     []row
	notes    []string
	failures []string
	untimed  bool
}

func newReport(o options) *report {
	return &report{title: fmt.Sprintf("campaign %s, seed %d", o.name, o.seed), where: where(), untimed: o.untimed}
}

// where says commit, machine and how busy it was before the campaign.
func where() string {
	return fmt.Sprintf("commit %s, %s/%s, %d cores, %s, %s, load average before %s",
		commit(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), time.Now().UTC().Format("2006-01-02 15:04 UTC"), loadAverage())
}

// commit is the revision of the working tree, else what was built in.
func commit() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty", "--exclude", "*").Output()
	if err == nil {
		return strings.TrimSpace(string(out))
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "unknown"
}

func loadAverage() string {
	text, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(text), " ")
	return first
}

func (r *report) add(one row) { r.rows = append(r.rows, one) }

// require notes a failure unless ok.
func (r *report) require(ok bool, format string, args ...any) {
	if !ok {
		r.failures = append(r.failures, fmt.Sprintf(format, args...))
	}
}

// timely is require of what also depends on what else the machine does.
func (r *report) timely(ok bool, format string, args ...any) {
	if !ok && r.untimed {
		r.note("not judged: "+format, args...)
		return
	}
	r.require(ok, format, args...)
}

func (r *report) note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// write prints the tables and the verdict; a failed verdict is the error.
func (r *report) write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n", r.title, r.where)
	var before string
	for _, one := range r.rows {
		if head := one.head(); head != before {
			fmt.Fprintf(&b, "\n%s\n", head)
			before = head
		}
		fmt.Fprintf(&b, "%s\n", one)
	}
	b.WriteByte('\n')
	for _, n := range r.notes {
		fmt.Fprintf(&b, "note: %s\n", n)
	}
	for _, f := range r.failures {
		fmt.Fprintf(&b, "failed: %s\n", f)
	}
	verdict := "verdict: as promised"
	if len(r.failures) > 0 {
		verdict = fmt.Sprintf("verdict: %d failed", len(r.failures))
	}
	fmt.Fprintf(&b, "%s\n", verdict)
	if _, err := io.WriteString(w, b.String()); err != nil {
		return err
	}
	if len(r.failures) > 0 {
		return fmt.Errorf("%d of what is promised did not hold; see the table", len(r.failures))
	}
	return nil
}

// head is the heading of the table of a row, in Markdown.
func (one row) head() string {
	var names, lines strings.Builder
	for _, c := range one {
		fmt.Fprintf(&names, "| %s ", c.name)
		lines.WriteString("|---")
	}
	return names.String() + "|\n" + lines.String() + "|"
}

// String is the row, in Markdown.
func (one row) String() string {
	var b strings.Builder
	for _, c := range one {
		fmt.Fprintf(&b, "| %v ", c.value)
	}
	return b.String() + "|"
}

// milliseconds rounds for a table.
func milliseconds(d time.Duration) string { return fmt.Sprintf("%.1f ms", d.Seconds()*1e3) }

// seconds rounds for a table.
func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
