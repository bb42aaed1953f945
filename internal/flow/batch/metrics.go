package batch

import (
	"github.com/prometheus/client_golang/prometheus"

	"betimes/internal/pulse"
	"betimes/internal/series"
)

// meter is what one Queue counts.
type meter struct {
	size   prometheus.Observer
	why    *prometheus.CounterVec
	splits prometheus.Counter
	apart  prometheus.Gauge
	width  prometheus.Gauge
	fixed  prometheus.Gauge
	each   prometheus.Gauge
	model  string
}

// newMeter makes the metrics; Queues of one registerer share the families.
func newMeter(r prometheus.Registerer, model string) meter {
	size := series.Shared(r, prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "betimes_batch_size_events", Help: "Events that one call was about.",
		Buckets: []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024}, NativeHistogramBucketFactor: 1.1,
	}, []string{"model"}))
	why := series.Shared(r, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "betimes_batch_dispatches_total", Help: "Calls about events that had waited, by why no more were taken: full, bytes, deadline (the tightest would have been late), or free (nobody else waited).",
	}, []string{"model", "reason"}))
	splits := series.Shared(r, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "betimes_batch_splits_total", Help: "Calls about several events that failed for what one of them is, and were parted.",
	}, []string{"model"}))
	apart := series.Shared(r, prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "betimes_batch_apart", Help: "1: the model answers otherwise when it is asked about several events together, so it is asked about one at a time.",
	}, []string{"model"}))
	width := series.Shared(r, prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "betimes_batch_calls_limit", Help: "Calls at once that are worth while, as learned: more would wait inside the model.",
	}, []string{"model"}))
	costs := series.Shared(r, prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "betimes_batch_cost_seconds", Help: "How long a call takes, as learned: part call for itself, part event more for each of its events.",
	}, []string{"model", "part"}))
	for _, reason := range []string{"full", "bytes", "deadline", "free"} {
		why.WithLabelValues(model, reason) // counted from 0
	}
	return meter{
		size.WithLabelValues(model), why, splits.WithLabelValues(model), apart.WithLabelValues(model),
		width.WithLabelValues(model), costs.WithLabelValues(model, "call"), costs.WithLabelValues(model, "event"), model,
	}
}

func (m meter) learned(width int, l line) {
	m.width.Set(float64(width))
	m.fixed.Set(l.fixed)
	m.each.Set(l.each)
}

func (m meter) dispatches(why string) { m.why.WithLabelValues(m.model, why).Inc() }

// tell registers what is known when somebody asks.
func (q *Queue) tell(r prometheus.Registerer) {
	for name, g := range map[string]struct {
		help string
		of   func(*pulse.Batch) int
	}{
		"betimes_batch_calls_under_way": {"Calls under way, of which betimes_batch_calls_limit are worth while.", func(b *pulse.Batch) int { return b.UnderWay }},
		"betimes_batch_waiting_events":  {"Events that wait for a call.", func(b *pulse.Batch) int { return b.Waiting }},
	} {
		series.Shared(r, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: g.help, ConstLabels: prometheus.Labels{"model": q.deps.Model}},
			func() float64 { return float64(g.of(q.Snapshot())) }))
	}
}
