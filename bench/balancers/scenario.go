package main

import (
	"fmt"
	"slices"
	"time"
)

// fleet is how the stub servers are.
type fleet struct {
	Slots       []int // of each server
	Least, Most time.Duration
	Slow        int     // server that takes ten times as long; -1: none
	Stalls      float64 // part of the calls that take 100 ms longer
	Broken      int     // server that answers 500 at once; -1: none
	Gone        []int   // servers that nobody listens for
	Beside      []int   // servers beside which something else works: in bursts it has one of their slots
}

// scenario is a fleet under load.
type scenario struct {
	name, what string
	fleet      fleet
	steps      []step // of one run
	deadline   time.Duration
	systems    []string
	promises   []promise
}

// step is a part of a run: what changes when it begins, and the load from then on.
type step struct {
	what    string
	rate    float64
	change  func(*fleet) // nil: nothing changes
	subject int          // server that the change is about; -1: none
}

// The systems. healthy is betimes with the same fleet, but none slow.
const (
	betimes = "betimes"
	hedging = "betimes, hedge p95 3%"
	healthy = "betimes, none slow"
)

func proxies() []string {
	return []string{"nginx round robin", "nginx least_conn", "nginx random two", "haproxy leastconn", "haproxy random(2)"}
}

// repeat is a list of the same number.
func repeat(n, times int) []int {
	all := make([]int, times)
	for i := range all {
		all[i] = n
	}
	return all
}

// steady is one load and no change.
func steady(rate float64) []step {
	return []step{{what: fmt.Sprintf("%.0f/s", rate), rate: rate, subject: -1}}
}

func scenarios() []scenario {
	ten := fleet{Slots: repeat(4, 10), Least: 6 * time.Millisecond, Most: 10 * time.Millisecond, Slow: -1, Broken: -1}
	with := func(change func(*fleet)) fleet { f := ten; change(&f); return f }
	slower := func(f *fleet) { f.Least, f.Most = 30*time.Millisecond, 50*time.Millisecond }
	all := []scenario{
		{
			name: "l1", what: "one of ten servers is ten times slower", fleet: with(func(f *fleet) { f.Slow = 3 }), steps: steady(500),
			systems:  append([]string{betimes, healthy}, proxies()...),
			promises: append(toEach(proxies(), "p99", 0.15), promise{figure: toTheBad, most: 0.1}, promise{figure: "p99", to: healthy, most: 1.1}),
		},
		{
			name: "l2", what: "one call of a hundred takes 100 ms longer", fleet: with(func(f *fleet) { f.Stalls = 0.01 }), steps: steady(400),
			systems:  []string{betimes, hedging, "nginx least_conn", "haproxy leastconn"},
			promises: append(toEach([]string{betimes, "nginx least_conn", "haproxy leastconn"}, "p99.9", 0.25), promise{figure: callsPerEvent, most: 1.03}),
		},
		{
			name: "l2-busy", what: "as l2, nine tenths of what the servers can do", steps: steady(450),
			fleet:    with(func(f *fleet) { f.Stalls, f.Slots = 0.01, repeat(2, 10); slower(f) }),
			systems:  []string{betimes, hedging},
			promises: []promise{{figure: callsPerEvent, most: 1.001}},
		},
		ramp(ten),
		recovery(ten),
		{
			name: "equal", what: "ten equal servers", fleet: ten, steps: steady(500), systems: []string{betimes, "nginx least_conn"},
			promises: []promise{{figure: largestShare, most: 1.1}},
		},
		{
			name: "sizes", what: "three servers of 4, 8 and 16 calls at once, 95% of what they can do", steps: steady(665),
			fleet:    with(func(f *fleet) { f.Slots = []int{4, 8, 16}; slower(f) }),
			systems:  []string{betimes, "nginx least_conn", "haproxy leastconn"},
			promises: []promise{{figure: fromItsSize, most: 10}},
		},
		{
			name: "broken", what: "one of ten servers answers 500 at once", fleet: with(func(f *fleet) { f.Broken = 2 }), steps: steady(500),
			systems:  []string{betimes, "nginx least_conn", "haproxy leastconn"},
			promises: []promise{{figure: toTheBad, most: 1}, {figure: failedEvents, most: 0}},
		},
		{
			name: "dead", what: "three of ten servers are gone", fleet: with(func(f *fleet) { f.Gone = []int{0, 1, 2} }), steps: steady(500),
			systems:  []string{betimes},
			promises: []promise{{figure: callsPerEvent, most: 1.1}, {figure: failedEvents, most: 0}},
		},
	}
	for i := range all {
		if all[i].deadline == 0 {
			all[i].deadline = time.Second
		}
	}
	return all
}

// ramp is load that grows beyond what half of the servers can do. Each has two slots
// for itself; where nothing works beside it, it may have four more.
func ramp(f fleet) scenario {
	f.Slots, f.Least, f.Most, f.Beside = append(repeat(2, 5), repeat(6, 5)...), 20*time.Millisecond, 40*time.Millisecond, []int{0, 1, 2, 3, 4}
	const own = 10 * 2 / 0.030 // calls a second of the slots that they have for themselves
	s := scenario{
		name: "l3", what: "load from 0.75 to 1.74 of what ten servers have for themselves; beside half of them something else works",
		fleet: f, deadline: 5 * time.Second, systems: append([]string{betimes}, proxies()...),
	}
	beaten := []string{"nginx least_conn", "nginx random two", "haproxy leastconn", "haproxy random(2)"}
	for n, part := range []float64{0.75, 0.83, 0.93, 1.03, 1.14, 1.27, 1.41, 1.57, 1.74} {
		s.steps = append(s.steps, step{what: fmt.Sprintf("%.2f: %.0f/s", part, part*own), rate: part * own, subject: -1})
		if part <= 1.41 {
			s.promises = append(s.promises, promise{step: n, figure: failedEvents, most: 0})
		}
		if part > 1 {
			for _, other := range beaten {
				s.promises = append(s.promises, promise{step: n, figure: "p99", to: other, most: 1})
			}
		}
	}
	last := len(s.steps) - 1
	s.promises = append(s.promises, promise{step: last, figure: "p99.9", most: 0.2 * s.deadline.Seconds() * 1000})
	return s
}

// recovery is a fleet that changes under load. The proxies have their defaults, and
// once what is known to help them.
func recovery(f fleet) scenario {
	const slow, dies, joins = 3, 5, 9
	f.Slow, f.Gone = slow, []int{joins}
	gone := func(all ...int) func(*fleet) { return func(f *fleet) { f.Gone = all } }
	s := scenario{
		name: "l4", what: "the slow one of ten servers becomes fast, one dies, one joins", fleet: f,
		systems: []string{betimes, "nginx least_conn", "nginx least_conn, retries", "haproxy leastconn", "haproxy leastconn, checks"},
		steps: []step{
			{what: "one is ten times slower, one is not there yet", subject: slow},
			{what: "the slow one is fast", change: func(f *fleet) { f.Slow = -1 }, subject: slow},
			{what: "one dies", change: gone(dies, joins), subject: dies},
			{what: "one joins", change: gone(dies), subject: joins},
		},
		promises: []promise{
			{step: 1, figure: backAfter, most: 3}, {step: 1, figure: herd, most: 20},
			{step: 2, figure: triesAtIt, most: 3}, {step: 2, figure: failedEvents, most: 0},
			{step: 3, figure: backAfter, most: 3}, {step: 3, figure: herd, most: 20}, {step: 3, figure: failedEvents, most: 0},
		},
	}
	for i := range s.steps {
		s.steps[i].rate = 500
	}
	return s
}

func scenarioOf(name string) (scenario, bool) {
	all := scenarios()
	i := slices.IndexFunc(all, func(s scenario) bool { return s.name == name })
	if i < 0 {
		return scenario{}, false
	}
	return all[i], true
}

// fleets are the servers of each step.
func (s scenario) fleets(systemName string) []fleet {
	f := s.fleet
	if systemName == healthy {
		f.Slow = -1
	}
	var all []fleet
	for _, one := range s.steps {
		if one.change != nil {
			one.change(&f)
		}
		all = append(all, f)
	}
	return all
}

// ours is the system whose figures are promised.
func (s scenario) ours() string {
	if slices.Contains(s.systems, hedging) {
		return hedging
	}
	return betimes
}
