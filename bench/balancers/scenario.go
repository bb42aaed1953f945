package main

import "time"

// fleet is how the stub servers are.
type fleet struct {
	Slots       []int // of each server
	Least, Most time.Duration
	Slow        int     // server that takes ten times as long; -1: none
	Stalls      float64 // part of the calls that take 100 ms longer
	Broken      int     // server that answers 500 at once; -1: none
	Dead        int     // servers, from the first, that nobody listens for
}

// scenario is one fleet under one load.
type scenario struct {
	name, what string
	fleet      fleet
	rate       float64
	systems    []string
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

func scenarios() []scenario {
	ten := fleet{Slots: repeat(4, 10), Least: 6 * time.Millisecond, Most: 10 * time.Millisecond, Slow: -1, Broken: -1}
	with := func(change func(*fleet)) fleet { f := ten; change(&f); return f }
	slower := func(f *fleet) { f.Least, f.Most = 30*time.Millisecond, 50*time.Millisecond }
	return []scenario{
		{"l1", "one of ten servers is ten times slower, 500/s", with(func(f *fleet) { f.Slow = 3 }), 500, append([]string{betimes, healthy}, proxies()...)},
		{"l2", "one call of a hundred takes 100 ms longer, 400/s", with(func(f *fleet) { f.Stalls = 0.01 }), 400, []string{betimes, hedging, "nginx least_conn", "haproxy leastconn"}},
		{"l2-busy", "as l2, nine tenths of what the servers can do", with(func(f *fleet) { f.Stalls, f.Slots = 0.01, repeat(2, 10); slower(f) }), 450, []string{betimes, hedging}},
		{"equal", "ten equal servers, 500/s", ten, 500, []string{betimes, "nginx least_conn"}},
		{"sizes", "three servers of 4, 8 and 16 calls at once, 95% of what they can do", with(func(f *fleet) { f.Slots = []int{4, 8, 16}; slower(f) }), 665, []string{betimes, "nginx least_conn", "haproxy leastconn"}},
		{"broken", "one of ten servers answers 500 at once, 500/s", with(func(f *fleet) { f.Broken = 2 }), 500, []string{betimes, "nginx least_conn", "haproxy leastconn"}},
		{"dead", "three of ten servers are gone, 500/s", with(func(f *fleet) { f.Dead = 3 }), 500, []string{betimes}},
	}
}

func scenarioOf(name string) (scenario, bool) {
	for _, s := range scenarios() {
		if s.name == name {
			return s, true
		}
	}
	return scenario{}, false
}
