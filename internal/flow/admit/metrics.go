package admit

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"betimes/internal/event"
	"betimes/internal/pulse"
	"betimes/internal/series"
)

// meter is what one Limiter counts.
type meter struct {
	decisions map[string]*decided // by name
	fallbacks decided
}

// decided counts for the metrics and for the pulse.
type decided struct {
	prometheus.Counter
	n atomic.Int64
}

// one counts one.
func (d *decided) one() {
	d.n.Add(1)
	d.Inc()
}

// snapshot is what was decided so far.
func (m *meter) snapshot() map[string]int64 {
	all := map[string]int64{}
	for name, d := range m.decisions {
		if n := d.n.Load(); n > 0 {
			all[name] = n
		}
	}
	return all
}

// decisions of a Limiter: pass and probe let an event in, the others are reasons.
var decisions = [...]string{passed, probed, string(event.ReasonLate), string(event.ReasonWouldBeLate), string(event.ReasonPriority)}

// newMeter makes the counters; Limiters of one registerer share the families.
func newMeter(r prometheus.Registerer, model string) *meter {
	events := series.Shared(r, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "betimes_admit_events_total", Help: "Events before their model by what was decided: pass, probe (let in to learn, although it should be late), or refused as late (its time was over, or no call could begin in time), would_be_late (predicted) or priority (others needed the time).",
	}, []string{"model", "decision"}))
	fallbacks := series.Shared(r, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "betimes_admit_fallbacks_total", Help: "Events that were refused before their model, and that the model of flow.admit.fallback answered in time.",
	}, []string{"model"}))
	m := &meter{decisions: map[string]*decided{}, fallbacks: decided{Counter: fallbacks.WithLabelValues(model)}}
	for _, name := range decisions {
		m.decisions[name] = &decided{Counter: events.WithLabelValues(model, name)}
	}
	return m
}

// tell registers what is known when somebody asks.
func (l *Limiter) tell(r prometheus.Registerer) {
	for name, g := range map[string]struct {
		help string
		of   func(*pulse.Admit) float64
	}{
		"betimes_admit_inside_events": {"Events that were let in and have no answer yet.", func(a *pulse.Admit) float64 { return float64(a.Inside) }},
		"betimes_admit_need_seconds":  {"How long the answer for one more event would take, as predicted; 0: it is not known.", func(a *pulse.Admit) float64 { return float64(a.NeedUS) / 1e6 }},
	} {
		series.Shared(r, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: g.help, ConstLabels: prometheus.Labels{"model": l.deps.Model}},
			func() float64 { return g.of(l.Snapshot()) }))
	}
}
