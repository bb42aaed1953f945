package app

import (
	"maps"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"betimes/internal/budget"
	"betimes/internal/event"
	"betimes/internal/pulse"
)

// snapshot is what a pulse says of how the models are asked.
func (c *chain) snapshot() []pulse.Model {
	var out []pulse.Model
	for _, name := range slices.Sorted(maps.Keys(c.models)) {
		m, one := c.models[name], pulse.Model{Name: name}
		if m.limiter != nil {
			one.Admit = m.limiter.Snapshot()
		}
		if m.queue != nil {
			one.Batch = m.queue.Snapshot()
		}
		out = append(out, one)
	}
	return out
}

// needs is what a pulse says of the time that each stage takes; nil: nothing is known.
func needs(live *budget.Live) map[string]int64 {
	var out map[string]int64
	for s, d := range live.Needs() {
		if d > 0 {
			if out == nil {
				out = map[string]int64{}
			}
			out[event.Stage(s).String()] = d.Microseconds()
		}
	}
	return out
}

// tellNeeds registers what each stage takes, as time that is left is reckoned with.
func (a *App) tellNeeds() {
	for s := event.StageGateway; s <= event.StagePublish; s++ {
		a.metrics.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "betimes_budget_need_seconds", Help: "What a stage takes with an even chance, as what is left of an event's time is reckoned with; 0: it is not known.",
			ConstLabels: prometheus.Labels{"stage": s.String()},
		}, func() float64 { return a.live.Needs()[s].Seconds() }))
	}
}
