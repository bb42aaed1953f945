package latency

import (
	"fmt"
	"math"
	"time"

	"betimes/internal/event"
	"betimes/internal/pulse"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// meterMetrics shows the Meter's recorders to Prometheus when it asks, so that
// an event is counted once and not once more per metric. A bucket bound is exact
// to a recorder's bucket, 3.2 %.
type meterMetrics struct {
	meter *Meter
	since time.Time
	whole *prometheus.Desc
	stage *prometheus.Desc
}

func newMeterMetrics(m *Meter, since time.Time) *meterMetrics {
	return &meterMetrics{
		meter: m, since: since,
		whole: prometheus.NewDesc("betimes_latency_event_seconds",
			"Time from the start of an event's clock to its acknowledged prediction.", nil, nil),
		stage: prometheus.NewDesc("betimes_latency_stage_seconds",
			"Time of predicted events by stage of the path; the stages of an event sum to the whole.", []string{"stage"}, nil),
	}
}

// Describe implements prometheus.Collector.
func (c *meterMetrics) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.whole
	ch <- c.stage
}

// Collect implements prometheus.Collector.
func (c *meterMetrics) Collect(ch chan<- prometheus.Metric) {
	c.send(ch, c.whole, c.meter.whole.Snapshot())
	for s := range c.meter.stages {
		if h := c.meter.stages[s].Snapshot(); len(h.Counts) > 0 {
			c.send(ch, c.stage, h, event.Stage(s).String())
		}
	}
}

func (c *meterMetrics) send(ch chan<- prometheus.Metric, desc *prometheus.Desc, h pulse.Histogram, labels ...string) {
	metric, err := newHistogram(desc, c.since, h, labels...)
	if err != nil {
		metric = prometheus.NewInvalidMetric(desc, err)
	}
	ch <- metric
}

// histogram is one metric with classic and native buckets.
type histogram struct {
	prometheus.Metric // native
	classic           prometheus.Metric
}

// Bounds of the classic buckets, in seconds.
var bounds = []float64{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60}

// nativeSchema gives 8 native buckets to an octave.
const nativeSchema = 3

func newHistogram(desc *prometheus.Desc, since time.Time, h pulse.Histogram, labels ...string) (prometheus.Metric, error) {
	count, sum := uint64(h.Count()), float64(h.SumUS)/1e6
	native, err := prometheus.NewConstNativeHistogram(desc, count, sum, nativeBuckets(h), nil, zeroCount(h), nativeSchema, 5e-7, since, labels...)
	if err != nil {
		return nil, fmt.Errorf("native histogram: %w", err)
	}
	classic, err := prometheus.NewConstHistogramWithCreatedTimestamp(desc, count, sum, classicBuckets(h), since, labels...)
	if err != nil {
		return nil, fmt.Errorf("classic histogram: %w", err)
	}
	return histogram{native, classic}, nil
}

// Write implements prometheus.Metric.
func (h histogram) Write(out *dto.Metric) error {
	var classic dto.Metric
	if err := h.classic.Write(&classic); err != nil {
		return err
	}
	if err := h.Metric.Write(out); err != nil {
		return err
	}
	out.Histogram.Bucket = classic.GetHistogram().GetBucket()
	return nil
}

func classicBuckets(h pulse.Histogram) map[float64]uint64 {
	out := make(map[float64]uint64, len(bounds))
	for _, b := range bounds {
		out[b] = 0
	}
	for i, n := range h.Counts {
		upper := pulse.Upper(int(h.Buckets[i])).Seconds()
		for _, b := range bounds {
			if upper <= b*1.032 {
				out[b] += uint64(n)
			}
		}
	}
	return out
}

func nativeBuckets(h pulse.Histogram) map[int]int64 {
	out := make(map[int]int64)
	for i, n := range h.Counts {
		if h.Buckets[i] > 0 {
			out[nativeBucket(pulse.Upper(int(h.Buckets[i])))] += n
		}
	}
	return out
}

// nativeBucket is the number of the native bucket that ends at or above d.
func nativeBucket(d time.Duration) int {
	return int(math.Ceil(math.Log2(d.Seconds()) * (1 << nativeSchema)))
}

// zeroCount is how many durations were below a microsecond.
func zeroCount(h pulse.Histogram) uint64 {
	if len(h.Buckets) > 0 && h.Buckets[0] == 0 {
		return uint64(h.Counts[0])
	}
	return 0
}

// culpritMetric asks the Monitor for the stage to blame when Prometheus asks.
type culpritMetric struct {
	monitor *Monitor
	culprit *prometheus.Desc
}

// culpritSpan is how far back a culprit shows in the metric: long enough to be
// seen by every scrape, short enough to clear soon after.
const culpritSpan = time.Minute

func newCulpritMetric(m *Monitor) *culpritMetric {
	return &culpritMetric{m, prometheus.NewDesc("betimes_latency_culprit",
		"1 for the stage to blame for a rise of latency or a missed objective within the last minute, else 0.", []string{"stage"}, nil)}
}

// Describe implements prometheus.Collector.
func (c *culpritMetric) Describe(ch chan<- *prometheus.Desc) { ch <- c.culprit }

// Collect implements prometheus.Collector.
func (c *culpritMetric) Collect(ch chan<- prometheus.Metric) {
	blamed := ""
	if w := c.monitor.Why(min(c.monitor.window, culpritSpan)); w.Culprit != nil {
		blamed = w.Culprit.Stage
	}
	for s := range event.Stage(event.NumStages) {
		value := 0.0
		if s.String() == blamed {
			value = 1
		}
		metric, err := prometheus.NewConstMetric(c.culprit, prometheus.GaugeValue, value, s.String())
		if err != nil {
			metric = prometheus.NewInvalidMetric(c.culprit, err)
		}
		ch <- metric
	}
}
