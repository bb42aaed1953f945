package main

import (
	"strings"
	"testing"
	"time"

	"betimes/bench/door/callers"
)

// toldOf is a run of 20,000 calls that counts.
func toldOf(p99, perCall time.Duration, connections int64) told {
	return told{Outcome: callers.Outcome{Calls: 20_000, All: 25_000, CPU: 20_000 * perCall, Window: 10 * time.Second, P50: p99 / 3, P99: p99, DueP99: p99}, connections: connections}
}

func TestTheDoorIsComparedWithinATurnThatCounts(t *testing.T) {
	void := toldOf(time.Millisecond, time.Microsecond, 1)
	void.void = "1 wrong answers"
	turns := []map[string]told{
		{bareClient: toldOf(2*time.Millisecond, 0, 64), doorClient: toldOf(2*time.Millisecond, 40*time.Microsecond, 64), tunedClient: toldOf(5*time.Millisecond, 100*time.Microsecond, 64)},
		{bareClient: toldOf(2*time.Millisecond, 0, 64), doorClient: toldOf(3*time.Millisecond, 60*time.Microsecond, 300), tunedClient: toldOf(5*time.Millisecond, 100*time.Microsecond, 64)},
		{bareClient: void, doorClient: void, tunedClient: void},
	}
	var out strings.Builder
	(&report{out: &out}).knocked(askings(nil)[0], turns)
	for _, want := range []string{
		"turn 3: 1 wrong answers", "connections per 1,000 calls at most 10.00: 7.28 [2.56–12.00], kept",
		"CPU per call ÷ SDK, tuned at most 0.50: 0.50 [0.40–0.60], kept", "p99 ÷ net/http at most 1.15: 1.25 [1.00–1.50], missed",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestARunOfAClientIsVoidWithAReason(t *testing.T) {
	order := callers.Order{Rate: 1000, Window: 10 * time.Second}
	for want, change := range map[string]func(*callers.Outcome){
		"":                              func(*callers.Outcome) {},
		"2 wrong answers":               func(o *callers.Outcome) { o.Wrong = 2 },
		"1 failed: gone":                func(o *callers.Outcome) { o.Failed, o.Why = 1, "gone" },
		"only 9999 calls in the window": func(o *callers.Outcome) { o.Calls = 9_999 },
		"load late: its p99 is 0.30 ms, the client's 2.00 ms": func(o *callers.Outcome) { o.LagP99 = 300 * time.Microsecond },
	} {
		o := toldOf(2*time.Millisecond, 0, 1).Outcome
		change(&o)
		if got := voided(o, order); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
