package exchange

import (
	"testing"
	"time"

	"betimes/internal/model"
)

func TestTheServersOwnTimeIsTaken(t *testing.T) {
	for _, tt := range []struct {
		name           string
		lines          []string
		compute, queue time.Duration
		said           bool
	}{
		{"model and queue", []string{`queue;dur=0.25, model;desc="x";dur=1.5`}, 1500 * time.Microsecond, 250 * time.Microsecond, true},
		{"two lines", []string{"db;dur=3", "model;dur=2"}, 2 * time.Millisecond, 0, true},
		{"quoted", []string{`model;dur="2"`}, 2 * time.Millisecond, 0, true},
		{"nothing about the model", []string{"total;dur=2"}, 0, 0, false},
		{"no duration", []string{"model"}, 0, 0, false},
		{"nonsense", []string{"model;dur=NaN, model;dur=-1, model;dur=x, ;;,"}, 0, 0, false},
		{"more than the whole exchange", []string{"model;dur=11"}, 0, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			times := model.Times{Total: 10 * time.Millisecond}
			ReadServerTiming(&times, tt.lines)
			if times.Compute != tt.compute || times.Queue != tt.queue || times.Server != tt.said {
				t.Errorf("got %+v", times)
			}
		})
	}
}
