package main

import (
	"slices"
	"testing"
	"time"

	"betimes/internal/lab/loadgen"
)

// at is a moment in milliseconds.
func at(ms int64) time.Time { return time.UnixMilli(ms) }

func moments(ms ...int64) []time.Time {
	var all []time.Time
	for _, one := range ms {
		all = append(all, at(one))
	}
	return all
}

func TestAnAcceptedEventThatIsNotWhereTheAnswerSaidIsMissing(t *testing.T) {
	l := &ledger{sends: map[string]send{
		"a": {outcome: loadgen.Accepted, source: "events:0:0"},
		"b": {outcome: loadgen.Accepted, source: "events:0:1"},
		"c": {outcome: loadgen.Unknown},
		"d": {outcome: loadgen.Refused},
	}}
	got := l.answers(map[string]string{"events:0:0": "a", "events:0:1": "c"})
	if want := (answers{sent: 4, accepted: 2, unknown: 1, refused: 1, missing: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestTheFirstEndingAfterEachKill(t *testing.T) {
	got := firstAfter(moments(9_000, 9_999, 10_700, 30_250), moments(10_000, 20_000, 30_000))
	want := []time.Duration{700 * time.Millisecond, 250 * time.Millisecond} // nothing between the second and the third
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
