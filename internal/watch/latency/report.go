package latency

import (
	"cmp"
	"slices"
	"time"

	"betimes/internal/event"
	"betimes/internal/pulse"
)

// Row is one line of the table "where the time goes". Quantiles are of all events: who
// did not pass a stage spent nothing there.
type Row struct {
	Stage  string  `json:"stage"`
	P50US  int64   `json:"p50_us"`
	P99US  int64   `json:"p99_us"`
	MeanUS int64   `json:"mean_us"` // over the events that passed the stage
	Share  float64 `json:"share"`   // of the time of all events together
	Count  int64   `json:"count"`
}

// Report is what happened in a window, over all instances.
type Report struct {
	At        time.Time        `json:"at"`
	WindowS   float64          `json:"window_s"`   // as asked, or since the first pulse
	RatePerS  float64          `json:"rate_per_s"` // events that ended
	Event     Row              `json:"event"`      // clock start → prediction acknowledged
	Stages    []Row            `json:"stages"`     // in the order of the journey
	Outcomes  map[string]int64 `json:"outcomes"`
	LateShare float64          `json:"late_share"` // of predicted events
	ShedShare float64          `json:"shed_share"` // of events that were predicted or shed
	Objective ObjectiveReport  `json:"objective"`
	InFlight  int              `json:"in_flight"`
	Limit     int              `json:"limit"` // of those in work, all workers together
	Queued    int              `json:"queued"`
}

// ObjectiveReport is the objective and whether the window kept it: an event that was
// shed has missed it as one that was predicted late has.
type ObjectiveReport struct {
	LatencyUS int64   `json:"latency_us"`
	Target    float64 `json:"target"`
	Kept      bool    `json:"kept"`
}

// Report answers for the newest window.
func (m *Monitor) Report(window time.Duration) Report {
	window = clamp(window)
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	from, to := now.Add(-window).Unix(), now.Unix()+1
	s := m.history.sum(from, to, nil)
	r := Report{At: now, WindowS: m.seconds(from, now), Event: row(Whole, s, s.stages[Whole]), Stages: []Row{}, Outcomes: s.outcomes}
	for _, name := range stageOrder(s.stages) {
		r.Stages = append(r.Stages, row(name, s, s.stages[name]))
	}
	if r.WindowS > 0 {
		r.RatePerS = float64(endings(s.outcomes)) / r.WindowS
	}
	r.LateShare, r.ShedShare = lateShare(s.outcomes), shedShare(s.outcomes)
	r.Objective = ObjectiveReport{m.objective.Latency.Microseconds(), m.objective.Target, r.missed() <= m.allowed()}
	m.live(func(one *instance) {
		r.InFlight += one.newest.InFlight
		r.Queued += one.newest.Queued
		r.Limit += one.newest.Limit
	})
	return r
}

// clamp keeps a window within what can be answered.
func clamp(window time.Duration) time.Duration {
	return min(max(window, time.Second), History)
}

// seconds is how much of the time since from there is a history of.
func (m *Monitor) seconds(from int64, now time.Time) float64 {
	if m.history.first == 0 {
		return 0
	}
	// The first pulse speaks of the second before it.
	began := time.Unix(max(from, m.history.first-1), 0)
	return max(now.Sub(began).Seconds(), 1)
}

// allowed is the share of events that may be late.
func (m *Monitor) allowed() float64 { return 1 - m.objective.Target }

func row(name string, s span, h pulse.Histogram) Row {
	r := Row{
		Stage: name, P50US: among(s, h, 0.5).Microseconds(), P99US: among(s, h, 0.99).Microseconds(),
		MeanUS: h.Mean().Microseconds(), Count: h.Count(),
	}
	if all := s.stages[Whole].SumUS; all > 0 {
		r.Share = float64(h.SumUS) / float64(all)
	}
	return r
}

// among is a quantile of a stage that not every event passed.
func among(s span, h pulse.Histogram, q float64) time.Duration {
	all, passed := float64(s.stages[Whole].Count()), float64(h.Count())
	if passed >= all {
		return h.Quantile(q)
	}
	if q = (q*all - (all - passed)) / passed; q < 0 {
		return 0
	}
	return h.Quantile(q)
}

// stageOrder lists the stages of a span in the order of the journey, then others by name.
func stageOrder(stages map[string]pulse.Histogram) []string {
	var out []string
	for name := range stages {
		if name != Whole {
			out = append(out, name)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return cmp.Or(cmp.Compare(journey(a), journey(b)), cmp.Compare(a, b)) })
	return out
}

func journey(stage string) int {
	switch s, ok := event.StageNamed(stage); {
	case !ok:
		return int(event.NumStages)
	case s == event.StagePublish:
		return int(event.NumStages) - 1 // the end of every road
	case s > event.StagePublish:
		return int(s) - 1
	default:
		return int(s)
	}
}

// endings is how many events ended; what entered, and late as such, is no ending.
func endings(outcomes map[string]int64) int64 {
	var n int64
	for p := event.Predicted; p < event.NumPlaces; p++ {
		n += outcomes[p.String()]
	}
	return n
}

func lateShare(outcomes map[string]int64) float64 {
	if n := outcomes[event.Predicted.String()]; n > 0 {
		return float64(outcomes[Late]) / float64(n)
	}
	return 0
}

func shedShare(outcomes map[string]int64) float64 {
	shed := outcomes[event.Shed.String()]
	if n := outcomes[event.Predicted.String()] + shed; n > 0 {
		return float64(shed) / float64(n)
	}
	return 0
}

// missed is the share of the events that were predicted or shed for which the
// objective was missed.
func (r Report) missed() float64 { return r.ShedShare + (1-r.ShedShare)*r.LateShare }

// Point is one step of a series.
type Point struct {
	At       time.Time `json:"at"` // its beginning
	RatePerS float64   `json:"rate_per_s"`
	P50US    int64     `json:"p50_us"`
	P99US    int64     `json:"p99_us"`
	Late     int64     `json:"late"`
}

// Series answers for the newest window in steps, oldest first; steps without
// events are there, with zeros. Above 15 minutes a step is at least 10 seconds.
func (m *Monitor) Series(window, step time.Duration) []Point {
	window, step = clamp(window), max(step.Truncate(time.Second), time.Second)
	if window > fineSlots*fineStep*time.Second {
		step = max(step.Truncate(coarseStep*time.Second), coarseStep*time.Second)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	seconds := int64(step / time.Second)
	to := time.Now().Unix()
	to -= to % seconds
	var out []Point
	for from := to - int64(window/time.Second); from < to; from += seconds {
		var whole pulse.Histogram
		point := Point{At: time.Unix(from, 0).UTC()}
		var ended int64
		m.history.each(from, from+seconds, func(s *slot) {
			if len(s.stages) > 0 {
				whole = whole.Plus(s.stages[0])
			}
			ended += endings(s.outcomes)
			point.Late += s.outcomes[Late]
		})
		point.RatePerS = float64(ended) / step.Seconds()
		point.P50US, point.P99US = whole.Quantile(0.5).Microseconds(), whole.Quantile(0.99).Microseconds()
		out = append(out, point)
	}
	return out
}
