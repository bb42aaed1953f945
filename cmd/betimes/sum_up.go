package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"betimes/internal/app"
	"betimes/internal/dashboard"
	"betimes/internal/watch/latency"
)

// lastLooks is how often the pulses are looked for that speak of a run's last second:
// a pulse comes every second, and who is silent after 3 s has ended.
const (
	lastLooks = 30
	lookAgain = 100 * time.Millisecond
)

// sumUp reports what happened since began: what became of events, in the words of
// load, and the picture of top.
func sumUp(ctx context.Context, w io.Writer, client *app.Client, began time.Time) {
	ended := time.Now()
	for look := range lastLooks {
		var s dashboard.Summary
		window := min(max(time.Since(began).Round(time.Second), time.Second), latency.History)
		if err := client.Ask(context.WithoutCancel(ctx), "", "summary?window="+window.String(), &s); err != nil {
			fmt.Fprintln(w, "no report:", err)
			return
		}
		silent := slices.ContainsFunc(s.Instances, func(i latency.Instance) bool { return i.At.Before(ended) })
		if !silent || look == lastLooks-1 || ctx.Err() != nil {
			_, _ = io.WriteString(w, outcomesOf(s.Latency.Outcomes)+"\n"+s.Text(terminal(w)))
			return
		}
		wait(ctx, lookAgain)
	}
}

// outcomesOf counts events as load does. What was lost, repeated or reordered is in
// the topics, which verify reads.
func outcomesOf(n map[string]int64) string {
	var b strings.Builder
	for _, row := range []struct {
		title, name string
		share, rare bool
	}{
		{"accepted", "accepted", false, false}, {"predicted", "predicted", true, false}, {"late", latency.Late, true, false}, {"shed", "shed", true, false},
		{"dead-lettered", "dead_letter", true, false}, {"quarantined", "quarantined", true, true}, {"parked", "parked", true, true},
	} {
		count := n[row.name]
		if row.rare && count == 0 {
			continue
		}
		fmt.Fprintf(&b, "%-14s %9d", row.title, count)
		if row.share && n["accepted"] > 0 {
			fmt.Fprintf(&b, "  %6.2f %%", 100*float64(count)/float64(n["accepted"]))
		}
		b.WriteByte('\n')
	}
	return b.String()
}
