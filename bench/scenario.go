package main

import (
	"slices"
	"time"

	"betimes/bench/floor/load"
)

// scenario is one workload with the systems that take turns in it.
type scenario struct {
	name    string
	what    string
	numbers int // in each record
	digits  int // of each number
	network bool
	service time.Duration
	batches batching // the model has so many executors, and can be asked about several records at once
	single  bool     // it cannot
	tls     bool
	apart   bool // not a part of all, which would take too long
	kind    kind
	rates   []float64
	systems []string
	upTo    map[string]float64 // rates beyond which a system would only be overrun
	turns   int                // unless others are asked for
	claims  int                // turns on real brokers as a part of all; 0: not a part
}

// kind is what a scenario finds out.
type kind int

const (
	latencies kind = iota // times and cost at a rate
	capacity              // how many come back at a rate beyond what a blocking consumer can do
	sustained             // the highest rate with p99 within sloP99
	bursts                // how long bursts are felt
	changes               // how soon another cost of the model is learned
	doors                 // what a call to an endpoint costs; no broker takes part
)

// sloP99 is the objective of a sustained rate.
const sloP99 = 25 * time.Millisecond

// patience is how long a run waits for what has not come back. At a rate beyond
// what a system can do the rest would take minutes.
func (s scenario) patience() time.Duration {
	if s.kind == capacity {
		return 0
	}
	return 10 * time.Second
}

// scenarios are the suite in the order in which it runs.
func scenarios() []scenario {
	tiny := scenario{numbers: 16, digits: 9}
	with := func(s scenario, change func(*scenario)) scenario { change(&s); return s }
	slow := with(tiny, func(s *scenario) { s.service = 20 * time.Millisecond })
	return []scenario{
		with(tiny, func(s *scenario) {
			s.name, s.what = "p1", "records of 230 bytes, a model that costs nothing"
			s.rates, s.turns, s.claims = []float64{1000}, 5, 3
			s.systems = []string{"F0", "F1", "betimes", parallelConsumer, kafkaStreams}
		}),
		with(tiny, func(s *scenario) {
			s.name, s.what = "p1-2500", "as p1, beyond what the Java peers can do on one core"
			s.rates, s.turns = []float64{2500}, 5
			s.systems = []string{"F1", "betimes"}
		}),
		with(tiny, func(s *scenario) {
			s.name, s.what = "p2", "records of 784 numbers (8 KB), a model that computes a network of 784-32-32-10"
			s.numbers, s.digits, s.network = 784, 7, true
			s.rates, s.turns = []float64{1000}, 2
			s.systems = []string{"F1", "betimes", parallelConsumer}
		}),
		with(slow, func(s *scenario) {
			s.name, s.what = "p3", "a model of 20 ms, plain HTTP"
			s.rates, s.turns = []float64{1000}, 2
			s.systems = []string{"F1", "betimes", parallelConsumer}
		}),
		with(slow, func(s *scenario) {
			s.name, s.what, s.tls = "p3-tls", "a model of 20 ms, TLS", true
			s.rates, s.turns = []float64{1000}, 2
			s.systems = []string{"F1", "betimes", parallelConsumer}
		}),
		with(slow, func(s *scenario) {
			s.name, s.what, s.kind = "p3-rate", "a model of 20 ms, more records than a blocking consumer can take", capacity
			s.rates, s.turns = []float64{2400}, 1
			s.systems = []string{"blocking", "F1", "betimes", parallelConsumer, kafkaStreams}
		}),
		with(tiny, func(s *scenario) {
			s.name, s.what, s.kind = "p5", "the highest rate with p99 within 25 ms, a model that costs nothing", sustained
			s.rates, s.turns = []float64{1000, 12_000}, 1
			s.systems = []string{"F1", "betimes", parallelConsumer, kafkaStreams}
		}),
		with(tiny, func(s *scenario) {
			s.apart, s.name, s.what, s.kind = true, "p6", "bursts of 110 % for 5 s among 70 % of what a model of 16 executors and 20 ms can do, one record a call", bursts
			s.batches, s.single = batching{16, 20 * time.Millisecond, 0}, true
			s.rates, s.turns = []float64{560}, 5
			s.systems = []string{"F1", "betimes", parallelConsumer}
		}),
		regimes("p4", "a model of 2 executors, 4 ms a call and 0.1 ms a record: 488/s one by one", 4000, 100, func(s *scenario) {
			s.rates, s.systems, s.upTo = []float64{100, 1000, 2000, 4000, 6000}, []string{"F1", reference, "betimes"}, map[string]float64{"F1": 400}
		}),
		regimes("p4-slow", "a model of 2 executors, 20 ms a call and 0.5 ms a record", 20_000, 500, nil),
		regimes("p4-free", "a model of 2 executors that costs nothing", 0, 0, func(s *scenario) {
			s.systems = []string{"F1", reference, "betimes"}
		}),
		regimes("p4-cost", "a model of 2 executors, 4 ms a call and 0.1 ms a record, that becomes three times as slow for 7.5 s, and then is as it was", 4000, 100, func(s *scenario) {
			s.kind, s.rates = changes, []float64{2000}
		}),
		regimes("p5-batch", "the highest rate with p99 within 25 ms, a model of 2 executors, 4 ms a call and 0.1 ms a record", 4000, 100, func(s *scenario) {
			s.kind, s.rates, s.turns = sustained, []float64{100, 12_000}, 1
			s.systems = []string{"F1", reference, "betimes"}
		}),
		{apart: true, name: "door", what: "calls of a SageMaker endpoint, 200 bytes there and back", kind: doors, turns: 5},
	}
}

// regimes is a scenario of one configuration for every rate and every model, which
// is asked about several records at once; times are in µs.
func regimes(name, what string, fixed, each int, change func(*scenario)) scenario {
	s := scenario{
		apart: true, name: name, what: what, numbers: 16, digits: 9, rates: []float64{1000}, turns: 5, systems: []string{reference, "betimes"},
		batches: batching{2, time.Duration(fixed) * time.Microsecond, time.Duration(each) * time.Microsecond},
	}
	if change != nil {
		change(&s)
	}
	return s
}

// fewest is the least number of records in a window: of a regime p99 is read, of
// the others p99.9.
func (s scenario) fewest() int {
	if s.batches.Executors > 0 && s.kind == latencies {
		return minRecords / 10
	}
	return minRecords
}

// takesAt tells whether a system takes turns at a rate.
func (s scenario) takesAt(name string, rate float64) bool {
	most, bounded := s.upTo[name]
	return !bounded || rate <= most
}

func scenarioNames() []string {
	var names []string
	for _, s := range scenarios() {
		names = append(names, s.name)
	}
	return names
}

// suiteNames are the scenarios of all.
func suiteNames() []string {
	return slices.DeleteFunc(scenarioNames(), func(name string) bool {
		s, _ := scenarioOf(name)
		return s.apart
	})
}

func scenarioOf(name string) (scenario, bool) {
	for _, s := range scenarios() {
		if s.name == name {
			return s, true
		}
	}
	return scenario{}, false
}

// shape is what is sent in one run.
func (s scenario) shape(rate float64, warm, window time.Duration, seed uint64) load.Shape {
	return load.Shape{
		Rate: rate, WarmUp: warm, Window: window, Keys: keys, Partitions: partitions, Seed: seed,
		Numbers: s.numbers, Digits: s.digits, Burst: s.burst(rate, window), Trips: s.kind == bursts || s.kind == changes,
	}
}
