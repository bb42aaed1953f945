package latency

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"betimes/internal/model"
	"betimes/internal/pulse"
)

// calledAt is what an instance said at one moment of whom it calls, and of what it
// turned away before that.
type calledAt struct {
	at        time.Time
	endpoints []pulse.Endpoint
	models    []pulse.Model
	turned    int64
}

// minute is the span of an endpoint's figures.
const minute = time.Minute

// keepCalled keeps what p says, and of older pulses those of the last minute
// and one before it, to subtract.
func (one *instance) keepCalled(p pulse.Pulse) {
	if n := len(one.minute); n > 0 && p.Epoch > one.minute[n-1].at.UnixMicro() {
		one.minute = nil // counts began anew
	}
	p.Endpoints = slices.DeleteFunc(p.Endpoints, func(e pulse.Endpoint) bool { return !usable(e.Latency) })
	one.minute = append(one.minute, calledAt{p.At, p.Endpoints, p.Models, p.Outcomes[TurnedAway]})
	for len(one.minute) > 2 && p.At.Sub(one.minute[1].at) >= minute {
		one.minute = slices.Delete(one.minute, 0, 1)
	}
}

// Endpoint is one endpoint as all its callers see it, over the last minute.
type Endpoint struct {
	Model       string           `json:"model"`
	Name        string           `json:"name"`
	Door        string           `json:"door"`
	Up          bool             `json:"up"`      // for every caller
	Callers     int              `json:"callers"` // instances that call it
	Out         bool             `json:"out"`     // for a caller at least: it fails, and others are asked
	InFlight    int              `json:"in_flight"`
	Limit       int              `json:"limit"` // calls at once, as learned
	RatePerS    float64          `json:"rate_per_s"`
	Share       float64          `json:"share"`       // of the calls to its model
	Invocations map[string]int64 `json:"invocations"` // by class
	Retries     int64            `json:"retries"`     // calls that were made again after its faults
	Hedges      map[string]int64 `json:"hedges"`      // second calls: won, lost, failed; those not made, by why
	P50US       int64            `json:"p50_us"`
	P99US       int64            `json:"p99_us"`
	LearnedUS   int64            `json:"learned_us"` // that a call takes, as endpoints are compared; 0: not known
	LastError   string           `json:"last_error,omitempty"`

	latency pulse.Histogram
	seconds float64
}

// Endpoints lists the endpoints by model and name.
func (m *Monitor) Endpoints() []Endpoint {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.endpoints()
}

// endpoints is Endpoints while m.mu is held.
func (m *Monitor) endpoints() []Endpoint {
	byName := map[string]*Endpoint{}
	m.live(func(one *instance) {
		newest, oldest := one.minute[len(one.minute)-1], one.minute[0]
		for _, e := range newest.endpoints {
			key := e.Model + " " + e.Name
			sum, ok := byName[key]
			if !ok {
				sum = &Endpoint{Model: e.Model, Name: e.Name, Door: e.Door, Up: true, Invocations: map[string]int64{}, Hedges: map[string]int64{}}
				byName[key] = sum
			}
			sum.add(e, before(oldest, newest, e), newest.at.Sub(oldest.at))
		}
	})
	out := make([]Endpoint, 0, len(byName))
	for _, key := range slices.Sorted(maps.Keys(byName)) {
		out = append(out, byName[key].finished())
	}
	slices.SortStableFunc(out, func(a, b Endpoint) int { return cmp.Compare(a.Model, b.Model) })
	share(out)
	return out
}

// share gives every endpoint its part of the calls to its model.
func share(all []Endpoint) {
	rates := map[string]float64{}
	for _, e := range all {
		rates[e.Model] += e.RatePerS
	}
	for i, e := range all {
		if rate := rates[e.Model]; rate > 0 {
			all[i].Share = e.RatePerS / rate
		}
	}
}

// before is the endpoint's state in the oldest pulse; zero when newest is the only one.
func before(oldest, newest calledAt, e pulse.Endpoint) pulse.Endpoint {
	if oldest.at.Equal(newest.at) {
		return e
	}
	for _, o := range oldest.endpoints {
		if o.Model == e.Model && o.Name == e.Name {
			return o
		}
	}
	return pulse.Endpoint{}
}

func (sum *Endpoint) add(e, before pulse.Endpoint, d time.Duration) {
	sum.Up = sum.Up && e.Up
	sum.Callers++
	sum.Out = sum.Out || e.Out
	sum.InFlight += e.InFlight
	sum.Limit += e.Limit
	sum.Retries += e.Retries - before.Retries
	sum.LearnedUS = max(sum.LearnedUS, e.LearnedUS)
	sum.LastError = cmp.Or(sum.LastError, e.LastError)
	sum.latency = sum.latency.Plus(e.Latency.Minus(before.Latency))
	sum.seconds = max(sum.seconds, d.Seconds())
	for class, n := range e.Invocations {
		sum.Invocations[class] += n - before.Invocations[class]
	}
	for result, n := range e.Hedges {
		if n -= before.Hedges[result]; n > 0 {
			sum.Hedges[result] += n
		}
	}
}

func (sum *Endpoint) finished() Endpoint {
	var calls int64
	for _, n := range sum.Invocations {
		calls += n
	}
	if sum.seconds > 0 {
		sum.RatePerS = float64(calls) / sum.seconds
	}
	sum.P50US, sum.P99US = sum.latency.Quantile(0.5).Microseconds(), sum.latency.Quantile(0.99).Microseconds()
	return *sum
}

// failures says in words which endpoints fail how often, the most failing first.
func failures(all []Endpoint) []string {
	type failure struct {
		count int64
		text  string
	}
	var found []failure
	for _, e := range all {
		for _, class := range slices.Sorted(maps.Keys(e.Invocations)) {
			if n := e.Invocations[class]; isFailure(class) && n > 0 {
				found = append(found, failure{n, e.Name + ": " + counted(n, "call") + " ended as " + class + " in the last minute"})
			}
		}
	}
	slices.SortStableFunc(found, func(a, b failure) int { return cmp.Compare(b.count, a.count) })
	var out []string
	for _, f := range found {
		out = append(out, f.text)
	}
	return out
}

// isFailure says whether calls of a class failed: not those of which nothing was sent, nor
// those that were called off, as the slower of two is.
func isFailure(class string) bool {
	return class != "ok" && class != model.ClassLate.String() && class != model.ClassCanceled.String()
}
