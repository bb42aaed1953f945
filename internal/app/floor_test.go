package app

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"betimes/internal/config"
	"betimes/internal/event"
)

func TestAnObjectiveBelowWhatOneEventTakesIsSaidOnce(t *testing.T) {
	loaded, err := config.Parse("test.yaml", []byte("objective: {latency: 20ms}\n"+oneModel), config.Options{Env: func(string) (string, bool) { return "", false }})
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	a, err := New(loaded, Options{Role: "stream", Log: slog.New(slog.NewTextHandler(&said, nil))})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	finish := func(queue, model time.Duration) {
		for range 1000 {
			var line event.Timeline
			line.Start(now)
			line.Mark(event.StageQueue, now.Add(queue))
			line.Mark(event.StageModel, now.Add(queue+model))
			now = now.Add(10 * time.Millisecond)
			a.live.Observe(&line, now)
		}
	}
	f := a.newFloor()
	steps := []struct {
		name         string
		queue, model time.Duration
		looks        int
		want         string
	}{
		{"in time", 0, 8 * time.Millisecond, 60, ""},
		{"a line is not what one event takes", 100 * time.Millisecond, 30 * time.Millisecond, 60, ""},
		{"too long for a moment", 0, 30 * time.Millisecond, 2, ""},
		{"in time again", 0, 8 * time.Millisecond, 1, ""},
		{"too long for good", 0, 30 * time.Millisecond, 3, "below what an event takes"},
		{"it was said", 0, 30 * time.Millisecond, 60, ""},
		{"hovering below", 0, 19 * time.Millisecond, 60, ""},
		{"hovering above", 0, 22 * time.Millisecond, 60, ""},
		{"in time for a while", 0, 8 * time.Millisecond, 29, ""},
		{"too long again", 0, 30 * time.Millisecond, 1, ""},
		{"in time for long", 0, 8 * time.Millisecond, 30, "can be kept again"},
	}
	for _, step := range steps {
		finish(step.queue, step.model)
		said.Reset()
		for range step.looks {
			f.look()
		}
		if got := said.String(); (got == "") != (step.want == "") || !strings.Contains(got, step.want) || strings.Count(got, "\n") > 1 {
			t.Errorf("%s: said %q, want %q", step.name, got, step.want)
		}
	}
	if changes := a.takeChanges(); len(changes) != 1 {
		t.Errorf("%v", changes)
	}
}
