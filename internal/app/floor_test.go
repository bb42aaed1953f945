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
		queue, model time.Duration
		want         string
	}{
		{0, 8 * time.Millisecond, ""},
		{100 * time.Millisecond, 30 * time.Millisecond, ""}, // a line: not what one event takes
		{0, 30 * time.Millisecond, "below what an event takes"},
		{0, 30 * time.Millisecond, ""}, // it was said
		{0, 8 * time.Millisecond, "can be kept again"},
	}
	for i, step := range steps {
		finish(step.queue, step.model)
		said.Reset()
		f.look()
		if got := said.String(); (got == "") != (step.want == "") || !strings.Contains(got, step.want) {
			t.Errorf("step %d: said %q, want %q", i+1, got, step.want)
		}
	}
	if changes := a.takeChanges(); len(changes) != 1 {
		t.Errorf("%v", changes)
	}
}
