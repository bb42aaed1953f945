package loadgen

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// WriteText writes the report for a terminal.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s", r.Workload, r.Shape)
	if r.Rate > 0 {
		fmt.Fprintf(&b, " %g/s", r.Rate)
	}
	fmt.Fprintf(&b, " for %s, seed %d", short(r.Duration), r.Seed)
	if r.Through != "" {
		fmt.Fprintf(&b, ", through %s", r.Through)
	}
	fmt.Fprintf(&b, "\n\n")
	r.writeCounts(&b)
	fmt.Fprintf(&b, "\nlatency  p50 %s  p90 %s  p99 %s  p99.9 %s  max %s   (intended send to read back)\n",
		short(r.P50), short(r.P90), short(r.P99), short(r.P999), short(r.Max))
	fmt.Fprintf(&b, "lag      p50 %s  p99 %s   (of the generator)\n", short(r.Lag.P50), short(r.Lag.P99))
	if r.LagTooLarge() {
		fmt.Fprintf(&b, "note     the generator's lag p99 is more than a tenth of the latency's: the machine is too busy for this rate\n")
	}
	r.writeStages(&b)
	r.writeRest(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) writeCounts(b *strings.Builder) {
	for _, c := range r.counts() {
		if c.n == 0 && !c.always {
			continue
		}
		fmt.Fprintf(b, "%-14s %9s", c.name, group(c.n))
		if r.Accepted > 0 && c.share {
			fmt.Fprintf(b, "  %6.2f %%", 100*float64(c.n)/float64(r.Accepted))
		}
		b.WriteByte('\n')
	}
	if !r.Settled {
		fmt.Fprintf(b, "note     not everything accepted was found before the wait ended; lost counts it\n")
	}
}

// count is one line of the counts.
type count struct {
	name   string
	n      int64
	always bool // shown when zero as well
	share  bool // with its share of what was accepted
}

func (r *Report) counts() []count {
	return []count{
		{"sent", r.Sent, true, false}, {"accepted", r.Accepted, true, false}, {"refused", r.Refused, false, false},
		{"failed", r.Failed, false, false}, {"unknown", r.Unknown, false, false}, {"unconfirmed", r.Unconfirmed, false, false},
		{"predicted", r.Predicted, true, true}, {"late", r.Late, true, true}, {"shed", r.Shed, true, true},
		{"dead-lettered", r.DeadLettered, true, true}, {"quarantined", r.Quarantined, false, true},
		{"parked", r.Parked, false, true},
		{"lost", r.Lost, true, false}, {"duplicated", r.Duplicated, true, false}, {"two places", r.TwoPlaces, false, false},
		{"reordered", r.Reordered, true, false},
	}
}

func (r *Report) writeStages(b *strings.Builder) {
	if len(r.Stages) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%-12s %9s %9s %8s\n", "stage", "p50", "p99", "share")
	for _, row := range r.Stages {
		bar := strings.Repeat("█", int(row.Share*30+0.5))
		fmt.Fprintf(b, "%s\n", strings.TrimRight(fmt.Sprintf("%-12s %9s %9s %6.1f %%  %s", row.Stage, short(row.P50), short(row.P99), 100*row.Share, bar), " "))
	}
	if r.Residual != nil {
		fmt.Fprintf(b, "%-12s %9s %9s            (own measure less the sum of the rows)\n", "residual", short(r.Residual.P50), short(r.Residual.P99))
	}
}

func (r *Report) writeRest(b *strings.Builder) {
	if q := r.Quality; q != nil {
		fmt.Fprintf(b, "\nquality  accuracy %.2f %%", 100*q.Accuracy)
		if q.AUC != nil {
			fmt.Fprintf(b, ", area under ROC %.3f", *q.AUC)
		}
		fmt.Fprintf(b, " on %s labelled, %s positive\n", group(q.Labelled), group(q.Positives))
	}
	writeMap(b, "dirt", r.Dirt)
	writeMap(b, "problems", r.Problems)
}

func writeMap(b *strings.Builder, title string, counts map[string]int64) {
	if len(counts) == 0 {
		return
	}
	fmt.Fprintf(b, "%-8s", title)
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(b, " %s %s ", name, group(counts[name]))
	}
	b.WriteByte('\n')
}

// LagTooLarge says that the generator itself was so late that the latency means little.
func (r *Report) LagTooLarge() bool { return r.Predicted > 0 && r.Lag.P99*10 > r.P99 }

// short writes µs with three digits: 842 µs, 11.8 ms, 2.31 s.
func short(us int64) string {
	switch d := time.Duration(us) * time.Microsecond; {
	case us < 1000:
		return strconv.FormatInt(us, 10) + " µs"
	case us < 100_000:
		return strconv.FormatFloat(d.Seconds()*1e3, 'f', 1, 64) + " ms"
	case us < 1_000_000:
		return strconv.FormatInt(us/1000, 10) + " ms"
	case us < 100_000_000:
		return strconv.FormatFloat(d.Seconds(), 'f', 2, 64) + " s"
	default:
		return d.Round(time.Second).String()
	}
}

// group writes a number with its thousands apart.
func group(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
