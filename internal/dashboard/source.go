package dashboard

import (
	"context"
	"time"

	"betimes/internal/event"
	"betimes/internal/pulse"
	"betimes/internal/watch/latency"
)

// Source knows how the pipeline is. latency.Monitor is one.
type Source interface {
	Window() time.Duration // of the newest figures, when nobody asks for another
	Report(window time.Duration) latency.Report
	Series(window, step time.Duration) []latency.Point
	Why(since time.Duration) latency.Why
	Lag() []pulse.Lag
	Keys() []latency.Key
	Budget() latency.Budget
	Admission() *latency.Admission
	Models() []latency.Model
	Endpoints() []latency.Endpoint
	Instances() []latency.Instance
	Changes() []pulse.Change
}

// Finder knows where events are. trail.Trail is one.
type Finder interface {
	Find(ctx context.Context, id string) (event.Whereabouts, error)
}

// Summary is all that the page shows at one moment.
type Summary struct {
	Pipeline  string             `json:"pipeline"`
	Latency   Latency            `json:"latency"`
	Why       latency.Why        `json:"why"` // of the last minute
	Lag       Lag                `json:"lag"`
	Keys      []latency.Key      `json:"keys"` // with the most events
	Budget    latency.Budget     `json:"budget"`
	Admission *latency.Admission `json:"admission"` // null: gateways let in what will be late
	Models    []latency.Model    `json:"models"`
	Endpoints []latency.Endpoint `json:"endpoints"`
	Instances []latency.Instance `json:"instances"`
	Changes   []pulse.Change     `json:"changes"` // the newest, newest first
	Topology  Topology           `json:"topology"`
}

// Latency is a report with its course over time.
type Latency struct {
	latency.Report
	Series []latency.Point `json:"series"`
}

// Lag is how far the workers are behind.
type Lag struct {
	Records    int64       `json:"records"`
	DelayS     float64     `json:"delay_s"` // of the partition furthest behind
	Partitions []pulse.Lag `json:"partitions"`
}

const (
	nowSpan       = time.Minute // of the verdict that the page shows
	seriesPoints  = 100
	summaryChange = 20
)

// summary gathers a moment; window as asked.
func (d *Dashboard) summary(window time.Duration) Summary {
	s := Summary{
		Pipeline: d.plan.Pipeline, Latency: d.latency(window), Why: d.source.Why(nowSpan), Lag: d.lag(), Keys: d.source.Keys(),
		Budget: d.source.Budget(), Admission: d.source.Admission(), Models: d.source.Models(),
		Endpoints: d.source.Endpoints(), Instances: d.source.Instances(), Changes: d.source.Changes(),
	}
	s.Changes = s.Changes[:min(len(s.Changes), summaryChange)]
	s.Topology = d.plan.draw(s)
	return s
}

// Asked is how the models are asked, and what gateways turn away.
type Asked struct {
	Models    []latency.Model    `json:"models"`
	Admission *latency.Admission `json:"admission"`
}

func (d *Dashboard) models() Asked { return Asked{d.source.Models(), d.source.Admission()} }

func (d *Dashboard) latency(window time.Duration) Latency {
	step := (window / seriesPoints).Truncate(time.Second)
	return Latency{d.source.Report(window), d.source.Series(window, step)}
}

func (d *Dashboard) lag() Lag {
	l := Lag{Partitions: d.source.Lag()}
	for _, p := range l.Partitions {
		l.Records += p.Records
		l.DelayS = max(l.DelayS, p.DelayS)
	}
	return l
}
