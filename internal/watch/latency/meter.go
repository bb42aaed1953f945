package latency

import (
	"sync/atomic"
	"time"

	"betimes/internal/event"
	"betimes/internal/pulse"

	"github.com/prometheus/client_golang/prometheus"
)

// Names in Pulse.Stages and Pulse.Outcomes beside the stages and places.
const (
	Whole = "event" // clock start → prediction acknowledged
	Late  = "late"  // predicted after the deadline
)

// Meter counts the time of finished events in one process. Any number of
// goroutines may Observe; each event is observed once, by its owner.
type Meter struct {
	stages [event.NumStages]pulse.Recorder
	whole  pulse.Recorder
	places [event.NumPlaces]atomic.Int64
	late   atomic.Int64
}

// NewMeter makes a Meter and registers its metrics.
func NewMeter(reg prometheus.Registerer) (*Meter, error) {
	m := &Meter{}
	return m, reg.Register(newMeterMetrics(m, time.Now()))
}

// Observe counts an event that ended in place; published is when its record was
// acknowledged. Durations are those of predicted events only: an event that was
// tried five times and given up says nothing about how long a prediction takes.
func (m *Meter) Observe(e *event.Event, place event.Place, published time.Time) {
	if int(place) >= len(m.places) {
		return
	}
	m.places[place].Add(1)
	if place != event.Predicted {
		return
	}
	if e.Late(published) {
		m.late.Add(1)
	}
	total := e.Timeline.Total()
	for s := range event.Stage(event.NumStages) {
		if spent, seen := e.Timeline.Spent(s); seen {
			m.stages[s].Record(spent)
		}
	}
	if _, marked := e.Timeline.Spent(event.StagePublish); !marked && !published.IsZero() {
		publish := max(published.Sub(e.Timeline.Last()), 0)
		m.stages[event.StagePublish].Record(publish)
		total += publish
	}
	m.whole.Record(total)
}

// Stages returns what was counted since the start, by stage, and the whole under "event".
func (m *Meter) Stages() map[string]pulse.Histogram {
	out := make(map[string]pulse.Histogram, event.NumStages+1)
	for s := range m.stages {
		if h := m.stages[s].Snapshot(); len(h.Counts) > 0 {
			out[event.Stage(s).String()] = h
		}
	}
	if h := m.whole.Snapshot(); len(h.Counts) > 0 {
		out[Whole] = h
	}
	return out
}

// Outcomes returns how many events ended where since the start, and how many were late.
func (m *Meter) Outcomes() map[string]int64 {
	out := map[string]int64{Late: m.late.Load()}
	for p := event.Predicted; p < event.NumPlaces; p++ {
		out[p.String()] = m.places[p].Load()
	}
	return out
}

// Fill puts what was counted into a pulse.
func (m *Meter) Fill(p *pulse.Pulse) {
	p.Stages, p.Outcomes = m.Stages(), m.Outcomes()
}
