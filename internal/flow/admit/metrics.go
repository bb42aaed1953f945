package admit

import (
	"github.com/prometheus/client_golang/prometheus"

	"betimes/internal/event"
	"betimes/internal/series"
)

// meter is what one Limiter counts.
type meter struct {
	sure, probes prometheus.Counter
	refused      map[event.Reason]prometheus.Counter
}

func (m *meter) passed(p pass) prometheus.Counter {
	if p.probe {
		return m.probes
	}
	return m.sure
}

// newMeter makes the counters; Limiters of one registerer share the families.
func newMeter(r prometheus.Registerer, model string) meter {
	events := series.Shared(r, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "betimes_admit_events_total", Help: "Events before their model by what was decided: pass, probe (let in to learn, although it should be late), or refused as late (its time was over, or no call could begin in time), would_be_late (predicted) or priority (others needed the time).",
	}, []string{"model", "decision"}))
	m := meter{sure: events.WithLabelValues(model, "pass"), probes: events.WithLabelValues(model, "probe"), refused: map[event.Reason]prometheus.Counter{}}
	for _, reason := range []event.Reason{event.ReasonLate, event.ReasonWouldBeLate, event.ReasonPriority} {
		m.refused[reason] = events.WithLabelValues(model, string(reason))
	}
	return m
}
