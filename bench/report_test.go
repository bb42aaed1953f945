package main

import (
	"strings"
	"testing"
	"time"

	"betimes/bench/floor/load"
)

// a run of 12,000 records that counts.
func good(p99 time.Duration) result {
	q := load.Quantiles{P50: p99 / 3, P99: p99, P999: 2 * p99}
	return result{Outcome: load.Outcome{Sent: 15_000, Records: 12_000, Latency: q, FromSent: q}, cpu: 3 * time.Second, calls: 15_000, connections: 30}
}

func TestRunsAreVoidWithAReason(t *testing.T) {
	for want, change := range map[string]func(*result){
		"":                                func(*result) {},
		"lost 3":                          func(r *result) { r.Lost = 3 },
		"duplicated 1":                    func(r *result) { r.Duplicated = 1 },
		"wrong values 2":                  func(r *result) { r.Wrong = 2 },
		"only 9999 records in the window": func(r *result) { r.Records = 9_999 },
		"load late: p99 is 2.00 ms, 1.40 ms from the actual send": func(r *result) { r.FromSent.P99 = 1_400 * time.Microsecond },
	} {
		r := good(2 * time.Millisecond)
		change(&r)
		if got := voidness(r); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestRatiosAreFormedWithinATurnThatCounts(t *testing.T) {
	void := good(time.Millisecond)
	void.void = "lost 1"
	turns := []turn{
		{"F1": good(2 * time.Millisecond), "betimes": good(3 * time.Millisecond)},
		{"F1": good(4 * time.Millisecond), "betimes": good(4 * time.Millisecond)},
		{"F1": void, "betimes": good(9 * time.Millisecond)},
	}
	got := row("betimes", turns)
	for _, want := range []string{"| 4.00 [3.00–9.00] |", "| 1.25 [1.00–1.50] |", "| 250 [250–250] |", "| 2.0 [2.0–2.0] |"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	if got := row("F1", turns); !strings.Contains(got, "turn 3: lost 1") || !strings.Contains(got, "| 3.00 [2.00–4.00] |") {
		t.Errorf("floor: %s", got)
	}
}

func TestOptionsAreRefusedWithTheRemedy(t *testing.T) {
	for want, args := range map[string][]string{
		"-scenario p9 is not known; use p1":              {"-scenario", "p9"},
		`"x" is not a rate; write for example 1000,2500`: {"-rates", "1000,x"},
		"write at least 1 turn and 1s":                   {"-turns", "0"},
	} {
		if _, err := parse(args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %s", args, err, want)
		}
	}
	if o, err := parse([]string{"-rates", "1000,2500"}); err != nil || len(o.rates) != 2 || o.turns != 5 {
		t.Errorf("got %+v, %v", o, err)
	}
}
