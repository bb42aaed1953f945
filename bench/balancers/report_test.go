package main

import (
	"strings"
	"testing"
	"time"
)

// ran is a run in which every call took as long.
func ran(took time.Duration, void string) run {
	o := outcome{took: []time.Duration{took, took, took}, late: []time.Duration{0}, calls: []int64{2, 1}, void: void}
	return run{steps: []outcome{o}, fleets: []fleet{{Slots: []int{1, 1}, Slow: 1, Broken: -1}}, window: time.Second}
}

func TestRatiosAreFormedWithinATurnAndVoidTurnsDoNotCount(t *testing.T) {
	s := scenario{
		name: "x", steps: steady(100), systems: []string{betimes, "nginx least_conn", "haproxy leastconn"},
		promises: []promise{{figure: "p99", to: "nginx least_conn", most: 0.5}, {figure: toTheBad, most: 10}, {figure: "p99", to: "haproxy leastconn", most: 0.5}},
	}
	all := map[string][]run{
		betimes:            {ran(10*time.Millisecond, ""), ran(30*time.Millisecond, ""), ran(90*time.Millisecond, "load late")},
		"nginx least_conn": {ran(100*time.Millisecond, ""), ran(100*time.Millisecond, ""), ran(10*time.Millisecond, "")},
	}
	var out strings.Builder
	report(&out, s, all)
	for _, want := range []string{
		"| betimes | 20.0 [10.0–30.0] |", "turn 3: load late", "| haproxy leastconn | not run |",
		"| nginx least_conn | 0.20 [0.10–0.30] | 0.20 [0.10–0.30] | 0.20 [0.10–0.30] |",
		"- p99 ÷ nginx least_conn at most 0.5: 0.20 [0.10–0.30], kept",
		"- to the bad one, % at most 10: 33.333 [33.333–33.333], missed",
		"- p99 ÷ haproxy leastconn at most 0.5: –, nothing to tell by",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestAStepOfWhichTheLoadWasLateIsVoid(t *testing.T) {
	o := outcome{took: []time.Duration{10 * time.Millisecond}, late: []time.Duration{1100 * time.Microsecond}}
	if o.close(); o.void != "load late by 1.1ms" {
		t.Errorf("%q", o.void)
	}
	o.late[0], o.void = time.Millisecond, ""
	if o.close(); o.void != "" {
		t.Errorf("%q", o.void)
	}
}

func TestWhatIsPromisedCanBeToldOfEveryScenario(t *testing.T) {
	for _, s := range scenarios() {
		for _, p := range s.promises {
			if f := figureOf(p.figure); p.step >= len(s.steps) || f.when != nil && !f.when(s.steps[p.step]) {
				t.Errorf("%s promises %s of step %d, which has none", s.name, p.figure, p.step)
			}
			if p.to != "" && !strings.Contains(strings.Join(s.systems, ";"), p.to) {
				t.Errorf("%s compares with %s, which takes no turns", s.name, p.to)
			}
		}
		if fleets := s.fleets(betimes); len(fleets) != len(s.steps) || len(s.fleet.Slots) > most {
			t.Errorf("%s: %d fleets of %d servers for %d steps", s.name, len(fleets), len(s.fleet.Slots), len(s.steps))
		}
	}
}

func TestTheRampGoesFromThreeQuartersToBeyondAllThatIsTheirs(t *testing.T) {
	s, _ := scenarioOf("l3")
	last := s.steps[len(s.steps)-1].rate
	if first := s.steps[0].rate; first < 499 || first > 501 || last < 1159 || last > 1161 {
		t.Errorf("from %.0f/s to %.0f/s, want 500 to 1160: 0.75 and 1.74 of 20 slots of 30 ms", first, last)
	}
	slots, beside := 0, 0.0
	for i, n := range s.fleet.Slots {
		if slots += n; i < len(s.fleet.Beside) {
			beside += burst.Seconds() / (burst + pause).Seconds()
		}
	}
	if can := (float64(slots) - beside) / 0.030; last > 0.92*can {
		t.Errorf("%.0f/s is more than %.0f/s, what can be done at all, leaves room for", last, can)
	}
}

func TestAFleetThatChangesIsThatOfEachStep(t *testing.T) {
	s, _ := scenarioOf("l4")
	all := s.fleets(betimes)
	if all[0].Slow != 3 || all[1].Slow != -1 || len(all[1].Gone) != 1 || len(all[2].Gone) != 2 || len(all[3].Gone) != 1 || all[3].Gone[0] != 5 {
		t.Errorf("%+v", all)
	}
	if s.fleet.Slow != 3 {
		t.Error("the scenario itself was changed")
	}
}
