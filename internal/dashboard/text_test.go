package dashboard

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"betimes/internal/privacy"
	"betimes/internal/pulse"
	"betimes/internal/watch/latency"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; run with -update and look at the change\n%s", path, got)
	}
}

func explained(t *testing.T, id string) Explanation {
	t.Helper()
	w, err := finder{}.Find(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return Explain(w, privacy.Policy{Show: privacy.Keys})
}

// moment is a Summary whose figures never change.
func moment() Summary {
	since := time.Date(2026, 1, 2, 12, 0, 20, 0, time.UTC)
	row := func(stage string, p50, p99 int64, share float64) latency.Row {
		return latency.Row{Stage: stage, P50US: p50, P99US: p99, Share: share, Count: 500}
	}
	return Summary{
		Pipeline: "v1-simplified",
		Latency: Latency{Report: latency.Report{
			RatePerS: 499.6, Event: latency.Row{P50US: 61_800, P99US: 412_000, Count: 500}, LateShare: 0.031, ShedShare: 0.02,
			Stages:   []latency.Row{row("gateway", 120, 400, 0.01), row("broker", 1300, 4100, 0.04), row("queue", 40, 210, 0.01), row("model", 58_000, 402_000, 0.94)},
			Outcomes: map[string]int64{"predicted": 29_000, "late": 899, "dead_letter": 2, "failed": 7, "turned_away": 41}, InFlight: 61, Limit: 64, Queued: 12,
		}},
		Why: latency.Why{
			Since: &since, Culprit: &latency.Culprit{Stage: "model", Share: 0.92}, Counterfactual: &latency.Counterfactual{P99US: 12_000},
			Sentence: "model takes 52.1 ms per event instead of 5.2 ms since 12:00:20Z: 92 % of the rise; 3.1 % of events late.",
			Evidence: []string{"model: p50 58.0 ms, was 5.1 ms; p99 402 ms, was 9.0 ms"},
			Remedy:   "The model itself takes longer: look at the endpoint's CPU and at its newest version; add instances, or go back a version.",
		},
		Lag:       Lag{Records: 311, DelayS: 0.6},
		Keys:      []latency.Key{{Key: "card-4711", Partition: 3, Worker: "stream-0", PerS: 205, Share: 0.41, Waiting: 212}},
		Endpoints: []latency.Endpoint{{Name: "fraud", Door: "sagemaker", Up: true, RatePerS: 500, P50US: 58_000, P99US: 402_000, InFlight: 61, Limit: 64}},
		Models: []latency.Model{{Name: "fraud", Admit: &latency.Admit{InPerS: 480, RefusedPerS: 20, Inside: 61},
			Batch: &latency.Batch{CallsPerS: 62, Mean: 8.1, UnderWay: 2, Limit: 2, Waiting: 12}}},
		Changes: []pulse.Change{{At: since, Kind: "version", What: "fraud is served by fraud-2"}},
	}
}

func TestTexts(t *testing.T) {
	for name, text := range map[string]string{
		"explain-predicted.txt":   explained(t, "good").Text(Terminal{Width: 80}),
		"explain-dead-letter.txt": explained(t, "dead").Text(Terminal{Width: 60}),
		"explain-line.txt":        explained(t, "good").Line(Terminal{}),
		"why.txt":                 WhyText(moment().Why, Terminal{Width: 72}),
		"top.txt":                 moment().Text(Terminal{Width: 90}),
	} {
		t.Run(name, func(t *testing.T) { golden(t, name, text) })
	}
}

func TestColourChangesNothingButColour(t *testing.T) {
	plain, coloured := moment().Text(Terminal{}), moment().Text(Terminal{Colour: true})
	if !strings.Contains(coloured, "\x1b[31m") {
		t.Error("trouble is not red")
	}
	for _, code := range []string{"0", bold, dim, red, green, yellow, blue, violet, cyan} {
		coloured = strings.ReplaceAll(coloured, "\x1b["+code+"m", "")
	}
	if plain != coloured {
		t.Errorf("plain:\n%s\ncoloured without colour:\n%s", plain, coloured)
	}
}

func TestAWaterfallFitsTheTerminal(t *testing.T) {
	for _, width := range []int{40, 60, 80, 200} {
		for line := range strings.Lines(TableText(moment().Latency.Report, "model", Terminal{Width: width})) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > width {
				t.Errorf("a line of %d columns in a terminal of %d: %s", n, width, line)
			}
		}
	}
}

func TestNothingOfAnEventWritesOnTheTerminal(t *testing.T) {
	began, deadline := time.Unix(100, 0), time.Unix(100, 250_000_000)
	x := Explanation{
		ID: "a", Place: "predicted", Key: privacy.Policy{Show: privacy.Keys}.Key([]byte("\x1b[2Jk")), LatencyUS: 3600, Began: &began, Deadline: &deadline,
		Prediction: []byte("\"\u009b31m\""), Error: "the model said \x1b]0;title\a", Decisions: "admit:pass:left=9.1ms,need=0.0ms;+2",
	}
	text := x.Text(Terminal{Width: 80})
	if strings.ContainsAny(text, "\x1b\a\u009b") {
		t.Errorf("it obeys: %q", text)
	}
	for _, want := range []string{"a: predicted after 3.6 ms of 250 ms\n", "decisions   admit pass (left=9.1ms, need=0.0ms)\n              +2\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
}
