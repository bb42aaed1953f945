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
	return result{Outcome: load.Outcome{Sent: 15_000, Records: 12_000, Back: 12_000, Latency: q, FromSent: q}, cpu: 3 * time.Second, calls: 15_000, connections: 30, rate: 1000, window: 12 * time.Second, peak: 1 << 20}
}

func TestRunsAreVoidWithAReason(t *testing.T) {
	for want, change := range map[string]func(*result){
		"":                                func(*result) {},
		"lost 3":                          func(r *result) { r.Lost = 3 },
		"duplicated 1":                    func(r *result) { r.Duplicated = 1 },
		"wrong values 2":                  func(r *result) { r.Wrong = 2 },
		"only 9999 records in the window": func(r *result) { r.Records = 9_999 },
		"load late: its p99 is 0.21 ms, the system's 2.00 ms": func(r *result) { r.Lag.P99 = 210 * time.Microsecond },
	} {
		r := good(2 * time.Millisecond)
		change(&r)
		if got := (scenario{}).voidness(r); got != want {
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
	var out strings.Builder
	r := report{out: &out}
	r.table(scenario{name: "p1"}, 1000, []system{{name: "F1"}, {name: "betimes"}}, turns)
	for _, want := range []string{
		"| betimes | 1.33 [1.00–3.00] | 4.00 [3.00–9.00] |", "| F1 | 1.25 [1.00–1.50] | 1.25 [1.00–1.50] | 1.00 [1.00–1.00] |",
		"turn 3: lost 1", "p99 ÷ F1 at most 1.30: 1.25 [1.00–1.50], kept", "p50 ÷ F1 at most 1.10: 1.25 [1.00–1.50], missed",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in\n%s", want, out.String())
		}
	}
}

func TestARateIsSustainedWhenP99AndWhatIsUnderWayStay(t *testing.T) {
	for want, change := range map[string]func(*result){
		"":                                func(r *result) { r.Growth = 9 },
		"p99 25.50 ms":                    func(r *result) { r.Latency.P99 = 25_500 * time.Microsecond },
		"what is under way grows by 11/s": func(r *result) { r.Growth = 11 },
		"the load's own core is full: lag p99 4.00 ms, p99 50.00 ms": func(r *result) { r.Latency.P99, r.Lag.P99 = 50*time.Millisecond, 4*time.Millisecond },
		"lost 1": func(r *result) { r.Lost = 1 },
	} {
		r := good(2 * time.Millisecond)
		r.rate = 1000
		change(&r)
		if got := (scenario{kind: sustained}).voidness(r); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestWhatIsSustainedIsComparedWithTheFloor(t *testing.T) {
	at := func(rate float64) *result { r := good(2 * time.Millisecond); r.rate = rate; return &r }
	for want, found := range map[string]map[string]found{
		"- sustained ÷ F1 at least 0.8: 0.75, missed": {"F1": {best: at(4000)}, "betimes": {best: at(3000)}},
		"- sustained ÷ F1 at least 0.8: 0.90, kept":   {"F1": {best: at(4000)}, "betimes": {best: at(3600)}},
		"| betimes | none |":                          {"F1": {best: at(4000)}, "betimes": {failed: at(3600)}},
	} {
		var out strings.Builder
		r := report{out: &out}
		r.found(scenario{name: "p5", kind: sustained}, []system{{name: "F1"}, {name: "betimes"}}, found)
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in\n%s", want, out.String())
		}
	}
	if batched, _ := scenarioOf("p5-batch"); batched.sustains() != 5 {
		t.Errorf("with calls about several records %g times F1 is promised, want 5", batched.sustains())
	}
}

func TestOptionsAreRefusedWithTheRemedy(t *testing.T) {
	for want, args := range map[string][]string{
		"-scenario p9 is not known; use p1, p1-2500":     {"-scenario", "p9"},
		"-broker some is not known; use embedded, real":  {"-broker", "some"},
		"write bento=PATH or connect=PATH":               {"-peer", "benthos=x"},
		`"x" is not a rate; write for example 1000,2500`: {"-rates", "1000,x"},
		"write at least 0 turns and 1s":                  {"-turns", "-1"},
	} {
		if _, err := parse(args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %s", args, err, want)
		}
	}
	if o, err := parse([]string{"-rates", "1000,2500", "-scenario", "all"}); err != nil || len(o.rates) != 2 || len(o.scenarios) != 7 {
		t.Errorf("got %+v, %v", o, err)
	}
}

func TestAllOfTheSuiteTakesLessThanHalfAnHour(t *testing.T) {
	o, err := parse([]string{"-scenario", "all", "-broker", "embedded,real"})
	if err != nil {
		t.Fatal(err)
	}
	if about := o.about(); about > 30*time.Minute || about < 20*time.Minute {
		t.Errorf("it takes about %s", about)
	}
	p2, _ := scenarioOf("p2")
	if n := o.turnsOf(p2, real); n != 0 {
		t.Errorf("%d turns of p2 on real brokers as a part of all, want none: claims rest on p1", n)
	}
	alone, _ := parse([]string{"-scenario", "p2", "-broker", "real"})
	if n := alone.turnsOf(p2, real); n != 2 {
		t.Errorf("%d turns of p2 when it is asked for, want 2", n)
	}
}
