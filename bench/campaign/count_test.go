package main

import (
	"testing"
	"time"

	"betimes/internal/lab/loadgen"
)

// at is a moment in milliseconds.
func at(ms int64) time.Time { return time.UnixMilli(ms) }

// predicted is a prediction's copies, written at these milliseconds.
func predicted(ms ...int64) []ending {
	var copies []ending
	for _, one := range ms {
		copies = append(copies, ending{topicPredictions, at(one)})
	}
	return copies
}

func TestWhatAKillMayDoToAnEvent(t *testing.T) {
	kills := []time.Time{at(10_000), at(20_000)}
	for _, tt := range []struct {
		name   string
		copies []ending
		fails  bool
		bound  int
	}{
		{"predicted once, long before a kill", predicted(5_000), false, 0},
		{"predicted once, just before a kill", predicted(9_900), false, 1},
		{"predicted again after the kill it was in flight at", predicted(9_900, 10_400), false, 1},
		{"written at the kill", predicted(10_000, 10_400), false, 1},
		{"predicted after each of two kills", predicted(9_900, 19_500, 20_300), false, 1},
		{"predicted again although it was finished long before the kill", predicted(5_000, 10_400), true, 0},
		{"predicted again without a kill between", predicted(9_300, 9_900), true, 1},
		{"predicted again after the last kill", predicted(30_000, 30_500), true, 0},
		{"not predicted", nil, true, 0},
		{"a dead letter", []ending{{topicDeadLetters, at(5_000)}}, true, 0},
		{"in two places", append(predicted(9_900), ending{topicShed, at(10_400)}), true, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := &books{ids: map[string]string{"events:0:0": "a"}, endings: map[string][]ending{"events:0:0": tt.copies}}
			l := &ledger{sends: map[string]send{"a": {outcome: loadgen.Accepted, source: "events:0:0"}}}
			c := count(l, b, kills)
			r := &report{}
			c.judge(r)
			if (len(r.failures) > 0) != tt.fails {
				t.Errorf("failures %q, want some: %v", r.failures, tt.fails)
			}
			if c.bound != tt.bound {
				t.Errorf("%d in flight at a kill, want %d", c.bound, tt.bound)
			}
		})
	}
}

func TestAnAcceptedEventThatIsNotInTheTopicIsLost(t *testing.T) {
	b := &books{ids: map[string]string{"events:0:0": "a"}, endings: map[string][]ending{"events:0:0": predicted(5)}}
	l := &ledger{sends: map[string]send{
		"a": {outcome: loadgen.Accepted, source: "events:0:0"},
		"b": {outcome: loadgen.Accepted, source: "events:0:1"},
		"c": {outcome: loadgen.Unknown},
	}}
	c := count(l, b, nil)
	if c.missing != 1 || c.accepted != 2 || c.unknown != 1 {
		t.Errorf("missing %d, accepted %d, unknown %d; want 1, 2, 1", c.missing, c.accepted, c.unknown)
	}
}

func TestFirstPredictionsOfAKeyAreInItsOrder(t *testing.T) {
	b := &books{
		keys:  map[string]string{"events:0:1": "k", "events:0:2": "k", "events:0:3": "other", "events:1:0": "k"},
		order: []string{"events:0:3", "events:0:2", "events:1:0", "events:0:1"},
	}
	if got := disorder(b); got != 1 {
		t.Errorf("%d out of order, want 1", got)
	}
}

func TestTheFirstPredictionAfterEachKill(t *testing.T) {
	b := &books{endings: map[string][]ending{"a": predicted(9_000, 10_700), "b": predicted(9_999), "c": predicted(30_250)}}
	got := firstAfter(b, []time.Time{at(10_000), at(20_000), at(30_000)})
	want := []time.Duration{700 * time.Millisecond, 250 * time.Millisecond} // nothing between the second and the third
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %v, want %v", got, want)
	}
}
