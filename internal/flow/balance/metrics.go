package balance

import (
	"github.com/prometheus/client_golang/prometheus"

	"betimes/internal/model"
	"betimes/internal/series"
)

// nameOf is the label of a class, or ok.
func nameOf(class int) string {
	if class == ok {
		return "ok"
	}
	return model.Class(class).String()
}

// meter is what one Picker counts.
type meter struct {
	invocations [model.NumClasses + 1]prometheus.Counter
	retries     [model.NumClasses]prometheus.Counter
	limit       prometheus.Gauge
	out         prometheus.Gauge
	hedged      *prometheus.CounterVec
	endpoint    string
}

// hedges counts second calls by how they went, and those that were not made by why.
func (m *meter) hedges(result string) prometheus.Counter {
	return m.hedged.WithLabelValues(m.endpoint, result)
}

// beginHedges shows what has not happened yet as 0.
func (m *meter) beginHedges() {
	for _, result := range []string{"won", "lost", "failed", "budget", "busy", "errors", "late", "nowhere"} {
		m.hedges(result)
	}
}

// newMeter makes the counters; Pickers of one registerer share the families.
func newMeter(r prometheus.Registerer, t Target) meter {
	calls := series.Shared(r, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "betimes_balance_invocations_total", Help: "Calls to an endpoint by how they ended.",
	}, []string{"endpoint", "outcome"}))
	retries := series.Shared(r, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "betimes_balance_retries_total", Help: "Calls that were made again inside their event's time, by why.",
	}, []string{"endpoint", "class"}))
	limit := series.Shared(r, prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "betimes_balance_limit_calls", Help: "Calls at once that the endpoint takes, as learned from what it refuses.",
	}, []string{"endpoint", "variant"}))
	out := series.Shared(r, prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "betimes_balance_out", Help: "1 while an endpoint of several is not asked because it failed, but for a call now and then that finds out.",
	}, []string{"endpoint"}))
	hedged := series.Shared(r, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "betimes_balance_hedges_total", Help: "Calls that were made a second time, by the endpoint that got them and by result: won, lost, failed; and those that were not, by their first endpoint and why: budget (there is none left), busy, errors, late, nowhere (no other endpoint takes calls).",
	}, []string{"endpoint", "result"}))
	m := meter{hedged: hedged, endpoint: t.Endpoint, limit: limit.WithLabelValues(t.Endpoint, t.Variant), out: out.WithLabelValues(t.Endpoint)}
	for class := range m.invocations {
		m.invocations[class] = calls.WithLabelValues(t.Endpoint, nameOf(class))
	}
	for class := range m.retries {
		m.retries[class] = retries.WithLabelValues(t.Endpoint, nameOf(class))
	}
	return m
}

// outOf is the gauge of an endpoint that takes part or does not.
func outOf(e *endpoint) float64 {
	if e.standing.in() {
		return 0
	}
	return 1
}

// tell registers what is known when somebody asks.
func (p *Picker) tell(r prometheus.Registerer) {
	for _, e := range p.endpoints {
		for name, g := range map[string]struct {
			help string
			of   func() float64
		}{
			"betimes_balance_calls_under_way": {"Calls under way at an endpoint, of which it takes betimes_balance_limit_calls.", func() float64 { return float64(e.underWay) }},
			"betimes_balance_learned_seconds": {"How long a call takes, as endpoints are compared; 0: it is not known.", func() float64 { return e.speed.mean.Seconds() }},
		} {
			series.Shared(r, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: g.help, ConstLabels: prometheus.Labels{"endpoint": e.target.Endpoint}}, func() float64 {
				p.line.mu.Lock()
				defer p.line.mu.Unlock()
				return g.of()
			}))
		}
	}
}
