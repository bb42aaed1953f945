package main

import (
	"strings"
	"testing"
	"time"

	"betimes/bench/floor/load"
)

// courseOf is a course of a record each half millisecond that takes as long as said.
func courseOf(took func(at time.Duration) time.Duration) course {
	c := course{slower: 13 * time.Second, faster: 23 * time.Second, ends: 33 * time.Second}
	for at := 3 * time.Second; at < c.ends; at += 500 * time.Microsecond {
		c.trips = append(c.trips, load.Trip{At: at, Took: took(at)})
	}
	return c
}

// stepped takes 10 ms, and 30 ms while the model is slower; so many seconds after each
// change it takes still longer.
func stepped(learning time.Duration) func(at time.Duration) time.Duration {
	return func(at time.Duration) time.Duration {
		took := 10 * time.Millisecond
		since := at - 23*time.Second
		if at >= 13*time.Second && at < 23*time.Second {
			took, since = 3*took, at-13*time.Second
		}
		if since >= 0 && since < learning {
			took *= 2
		}
		return took
	}
}

func TestACostIsLearnedWhenP99IsAndStaysWhatItIsForWhoKnows(t *testing.T) {
	blips := func(every time.Duration) func(at time.Duration) time.Duration {
		usual := stepped(0)
		return func(at time.Duration) time.Duration {
			if at%every == 0 {
				return time.Second
			}
			return usual(at)
		}
	}
	relapse := func(at time.Duration) time.Duration {
		took := stepped(0)(at)
		if since := (at - 3*time.Second) % (10 * time.Second); since > 5*time.Second && since < 5200*time.Millisecond {
			took *= 2
		}
		return took
	}
	for name, c := range map[string]struct {
		took func(at time.Duration) time.Duration
		want time.Duration // of both changes
	}{
		"at once":                            {stepped(0), 0},
		"after three seconds":                {stepped(3 * time.Second), 3 * time.Second},
		"never":                              {stepped(time.Minute), 10 * time.Second},
		"late, for it is lost again":         {relapse, 5200 * time.Millisecond},
		"at once, though one of 200 is late": {blips(100 * time.Millisecond), 0},
		"never, since one of 40 is late":     {blips(20 * time.Millisecond), 10 * time.Second},
	} {
		known, got := courseOf(stepped(0)), courseOf(c.took)
		known.settle()
		got.judge(known)
		if known.steady != 10*time.Millisecond || known.steadySlow != 30*time.Millisecond {
			t.Fatalf("steady %v and %v", known.steady, known.steadySlow)
		}
		for _, learned := range []time.Duration{got.learnedSlower, got.learnedBack} {
			if (learned - c.want).Abs() > learnedSpan/2 {
				t.Errorf("%s: learned after %v, want %v", name, learned, c.want)
			}
		}
	}
}

func TestWithoutTheReferenceNothingIsLearned(t *testing.T) {
	turns := []turn{}
	for _, void := range []string{"", "lost 1"} {
		known, ours := good(2*time.Millisecond), good(2*time.Millisecond)
		known.void = void
		known.course, ours.course = courseOf(stepped(0)), courseOf(stepped(2*time.Second))
		known.course.settle()
		ours.course.settle()
		one := turn{reference: known, "betimes": ours}
		one.judge()
		turns = append(turns, one)
	}
	var out strings.Builder
	r := report{out: &out}
	sc, _ := scenarioOf("p4-cost")
	r.table(sc, 2000, []system{{name: reference}, {name: "betimes"}}, turns)
	for _, want := range []string{
		"turn 2: the reference does not count", "- cost × 3 learned after, s at most 5.00: 2.00, kept", "- × 1 again after, s at most 5.00: 2.00, kept",
		"- steady p99 ÷ reference at most 1.15: 1.00, kept", "- steady p99, cost × 3 ÷ reference at most 1.15: 1.00, kept",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in\n%s", want, out.String())
		}
	}
}

func TestTheStubTakesAsManyTimesAsLongAsItIsTold(t *testing.T) {
	e, err := newExecutors(batching{1, 10 * time.Millisecond, 0})
	if err != nil {
		t.Fatal(err)
	}
	around, err := aside(&stub{executors: e})
	if err != nil {
		t.Fatal(err)
	}
	s := &servers{Costs: around}
	if err := s.slow(0); err == nil {
		t.Error("a model that takes no time is not refused")
	}
	if err := s.slow(5); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	e.work(1)
	if took := time.Since(began); took < 50*time.Millisecond {
		t.Errorf("a call of 5 times 10 ms is over after %v", took)
	}
	if c, err := s.cost(1, 0); err != nil || c.Worked < 50*time.Millisecond {
		t.Errorf("cost %+v, %v", c, err)
	}
}
