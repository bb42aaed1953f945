package dashboard

import (
	"fmt"
	"strings"

	"betimes/internal/watch/latency"
)

// WhyText says who is to blame, and on what grounds.
func WhyText(w latency.Why, t Terminal) string {
	var out strings.Builder
	colour := red
	if w.Healthy {
		colour = green
	}
	out.WriteString(t.paint(colour, wrap(w.Sentence, t.width(), "")) + "\n")
	for _, e := range w.Evidence {
		out.WriteString("  · " + wrap(e, t.width()-4, "    ") + "\n")
	}
	if w.Remedy != "" {
		out.WriteString("remedy: " + wrap(w.Remedy, t.width()-8, "        ") + "\n")
	}
	if w.Counterfactual != nil && w.Culprit != nil {
		fmt.Fprintf(&out, "without it: p99 %s\n", latency.Duration(micros(w.Counterfactual.P99US)))
	}
	return out.String()
}

// wrap breaks a text between words; lines after the first begin with indent.
func wrap(text string, width int, indent string) string {
	var out strings.Builder
	at := 0
	for i, word := range strings.Fields(text) {
		n := len([]rune(word))
		switch {
		case i == 0:
		case at+1+n > width:
			out.WriteString("\n" + indent)
			at = 0
		default:
			out.WriteByte(' ')
			at++
		}
		out.WriteString(word)
		at += n
	}
	return out.String()
}

// TableText draws the table "where the time goes".
func TableText(r latency.Report, culprit string, t Terminal) string {
	bars := make([]bar, 0, len(r.Stages))
	var start int64
	for _, s := range r.Stages {
		bars = append(bars, bar{
			stage: s.Stage, start: start, end: start + s.P50US, far: start + s.P99US, culprit: s.Stage == culprit,
			cells: []string{latency.Duration(micros(s.P50US)), latency.Duration(micros(s.P99US)), latency.Percent(s.Share)},
		})
		if s.Count*2 >= r.Event.Count { // a detour of few does not move the rest
			start += s.P50US
		}
	}
	return t.waterfall([]string{"p50", "p99", "share"}, bars)
}

// Text draws the live picture: what the page shows, for a terminal.
func (s Summary) Text(t Terminal) string {
	var out strings.Builder
	r := s.Latency.Report
	fmt.Fprintf(&out, "%s  %.0f events/s  p50 %s  p99 %s  late %s\n", t.paint(bold, s.Pipeline), r.RatePerS,
		latency.Duration(micros(r.Event.P50US)), latency.Duration(micros(r.Event.P99US)), t.paint(lateColour(r), lateText(r)))
	out.WriteString(WhyText(latency.Why{Healthy: s.Why.Healthy, Sentence: s.Why.Sentence, Remedy: s.Why.Remedy}, t) + "\n")
	culprit := ""
	if s.Why.Culprit != nil {
		culprit = s.Why.Culprit.Stage
	}
	if len(r.Stages) > 0 {
		out.WriteString(TableText(r, culprit, t) + "\n")
	}
	out.WriteString("outcomes   " + outcomesText(r.Outcomes, t) + "\n")
	fmt.Fprintf(&out, "lag        %d records, %s behind; %d in work of at most %d, %d waiting\n", s.Lag.Records, latency.Duration(seconds(s.Lag.DelayS)), r.InFlight, r.Limit, r.Queued)
	for _, k := range s.Keys[:min(len(s.Keys), 3)] {
		out.WriteString("key        " + wrap(k.String(), t.width()-11, "           ") + "\n")
	}
	for _, m := range s.Models {
		out.WriteString(modelText(m, t))
	}
	for _, e := range s.Endpoints {
		out.WriteString("endpoint   " + endpointText(e, t) + "\n")
	}
	for _, c := range s.Changes[:min(len(s.Changes), 3)] {
		fmt.Fprintf(&out, "change     %s %s: %s\n", c.At.UTC().Format("15:04:05Z"), c.Kind, c.What)
	}
	return out.String()
}

func lateText(r latency.Report) string {
	text := latency.Percent(r.LateShare)
	if r.ShedShare > 0 {
		text += ", shed " + latency.Percent(r.ShedShare)
	}
	return text
}

func lateColour(r latency.Report) string {
	if r.Objective.Kept {
		return plain
	}
	return red
}

func outcomesText(counts map[string]int64, t Terminal) string {
	parts := []string{fmt.Sprintf("%d predicted", counts["predicted"])}
	if n := counts["failed"]; n > 0 {
		parts = append(parts, t.paint(red, fmt.Sprintf("%d not taken by brokers", n)))
	}
	for _, name := range []string{"late", "dead_letter", "quarantined", "shed", "parked", "duplicate", latency.TurnedAway} {
		if n := counts[name]; n > 0 {
			parts = append(parts, t.paint(yellow, fmt.Sprintf("%d %s", n, strings.ReplaceAll(name, "_", " "))))
		}
	}
	return strings.Join(parts, ", ")
}

// modelText says what is let in to a model and how its calls are shared; nothing
// where neither is done.
func modelText(m latency.Model, t Terminal) string {
	out := ""
	if a := m.Admit; a != nil {
		colour := plain
		if a.RefusedPerS > 0 {
			colour = yellow
		}
		out += fmt.Sprintf("admission  %s: %.0f/s let in, %s, %d inside\n", m.Name, a.InPerS, t.paint(colour, fmt.Sprintf("%.0f/s refused", a.RefusedPerS)), a.Inside)
	}
	if b := m.Batch; b != nil {
		out += fmt.Sprintf("calls      %s: %.0f/s about %.1f events, %d under way of %d, %d events waiting\n", m.Name, b.CallsPerS, b.Mean, b.UnderWay, b.Limit, b.Waiting)
	}
	return out
}

func endpointText(e latency.Endpoint, t Terminal) string {
	state := t.paint(green, "up")
	switch {
	case !e.Up:
		state = t.paint(red, "down")
	case e.Out:
		state = t.paint(yellow, "left alone")
	}
	text := fmt.Sprintf("%s (%s) %s, %.0f calls/s, p50 %s, p99 %s, %d of %d in flight", e.Name, e.Door, state, e.RatePerS,
		latency.Duration(micros(e.P50US)), latency.Duration(micros(e.P99US)), e.InFlight, e.Limit)
	if e.LastError != "" {
		text += ": " + e.LastError
	}
	return text
}
