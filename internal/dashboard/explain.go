package dashboard

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"betimes/internal/privacy"
	"betimes/internal/watch/latency"
)

// Text draws one event: where it is, its waterfall and what was decided.
func (x Explanation) Text(t Terminal) string {
	var out strings.Builder
	out.WriteString(t.paint(bold, privacy.Plain(x.ID)) + ": " + x.outcome(t) + "\n")
	for _, f := range x.facts() {
		out.WriteString("  " + t.paint(dim, pad(f[0], 12)) + f[1] + "\n")
	}
	if len(x.Stages) > 0 {
		out.WriteString("\n" + t.waterfall([]string{"time", "share"}, x.bars()))
	}
	if x.Skew {
		out.WriteString(t.paint(dim, "Two clocks disagreed: a stage that came out negative is shown as zero.") + "\n")
	}
	return out.String()
}

func (x Explanation) bars() []bar {
	bars := make([]bar, 0, len(x.Stages))
	var start int64
	for _, s := range x.Stages {
		share := float64(s.US) / float64(max(x.LatencyUS, 1))
		bars = append(bars, bar{stage: s.Stage, start: start, end: start + s.US, cells: []string{latency.Duration(micros(s.US)), latency.Percent(share)}})
		start += s.US
	}
	return bars
}

func micros(us int64) time.Duration { return time.Duration(us) * time.Microsecond }

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func (x Explanation) outcome(t Terminal) string {
	took := " after " + latency.Duration(micros(x.LatencyUS)) + x.of()
	switch x.Place {
	case "unfinished":
		return t.paint(yellow, "on its way")
	case "predicted":
		if x.Late != nil && *x.Late {
			return t.paint(yellow, "predicted late") + took
		}
		return t.paint(green, "predicted") + took
	}
	text := t.paint(red, strings.ReplaceAll(x.Place, "_", " "))
	if x.Reason != "" {
		text += " because of " + x.Reason
	}
	if x.Stage != "" && x.Stage != x.Reason {
		text += " in " + x.Stage
	}
	return text
}

// of is how long the event had, where that is known.
func (x Explanation) of() string {
	if x.Deadline == nil || x.Began == nil {
		return ""
	}
	return " of " + latency.Duration(x.Deadline.Sub(*x.Began))
}

// facts are the lines under the headline, those that are known.
func (x Explanation) facts() [][2]string {
	var out [][2]string
	add := func(name, text string) {
		if text != "" {
			out = append(out, [2]string{name, privacy.Lines(text)})
		}
	}
	add("key", x.Key)
	add("accepted", x.Accepted.text())
	add("ended", x.Ended.text())
	if x.Model != nil {
		add("model", strings.TrimSpace(x.Model.Name+" "+x.Model.Version))
	}
	add("status", x.Status)
	add("prediction", string(x.Prediction))
	add("cache", x.Cache)
	add("batch", some(x.Batch))
	add("attempts", some(x.Attempts))
	add("error", x.Error)
	name := "decisions"
	for _, d := range x.decided() {
		add(name, d)
		name = ""
	}
	add("payload", x.Payload)
	return out
}

// decided are the decisions, oldest first, each as "room what (why)".
func (x Explanation) decided() []string {
	var out []string
	for one := range strings.SplitSeq(x.Decisions, ";") {
		parts := strings.SplitN(one, ":", 3)
		if len(parts) == 3 {
			one = parts[0] + " " + parts[1] + " (" + strings.ReplaceAll(parts[2], ",", ", ") + ")"
		}
		if one != "" {
			out = append(out, one)
		}
	}
	return out
}

func some(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func (r *Record) text() string {
	if r == nil {
		return ""
	}
	place := fmt.Sprintf("%s %d:%d", r.Topic, r.Partition, r.Offset)
	if r.At.Unix() <= 0 {
		return place
	}
	return place + " at " + r.At.Format("2006-01-02 15:04:05.000Z07:00")
}

// Line draws one event's waterfall in one line.
func (x Explanation) Line(t Terminal) string {
	parts := make([]string, 0, len(x.Stages))
	for _, s := range x.Stages {
		parts = append(parts, t.paint(stageColours[s.Stage], s.Stage)+" "+latency.Duration(micros(s.US)))
	}
	return privacy.Plain(x.ID) + ": " + x.outcome(t) + " = " + strings.Join(parts, " + ") + "\n"
}
