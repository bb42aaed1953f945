//go:build interop

package app

import (
	"bytes"
	"context"
	"testing"
	"time"

	"betimes/internal/event"
	"betimes/internal/lab/verify"
)

// verified has the verifier judge the same topics, with rules and readers of its
// own: the tally and it must agree that all is well.
func (s *site) verified(t *testing.T) {
	t.Helper()
	cfg := verify.Config{
		Topics: verify.Topics{
			Events: s.prefix + "events", Predictions: s.prefix + "predictions",
			DeadLetters: s.prefix + "dead-letters", Quarantine: s.prefix + "quarantine", Shed: s.prefix + "shed",
		},
		ExactlyOnce: s.exactly, InFlight: inFlight,
		Faults: []verify.Window{}, // not nil: without a fault nothing may end twice
		Finished: func(src event.Source) (time.Time, bool) {
			return s.finished(s.own(src.String()))
		},
	}
	for _, f := range s.faults {
		if more := s.inFlight(f) - inFlight; f.takes {
			cfg.Faults = append(cfg.Faults, verify.Window{From: f.from.Add(-more), To: f.to})
		}
	}
	checker := verify.New(cfg)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	v, err := verify.NewReader(checker, verify.Over(s.cluster), verify.ReaderConfig{Group: s.prefix + "delivery"}).Once(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if v.Total() > 0 || v.Counts.Events != int64(len(s.keys)) {
		var text bytes.Buffer
		_ = v.WriteText(&text) // of a buffer
		t.Errorf("of %d events the verifier says\n%s", len(s.keys), &text)
	}
}
