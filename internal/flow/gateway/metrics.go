package gateway

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of the gateway; the totals are also read by the pulse.
type metrics struct {
	requests *prometheus.CounterVec
	accepted prometheus.Counter // requests of code 202
	ack      prometheus.Histogram
	totals   totals
}

type totals struct {
	accepted, duplicate, refused, failed, late, pending atomic.Int64
}

func newMetrics(r prometheus.Registerer, f *flight) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "betimes_gateway_requests_total", Help: "Requests by the status code of their answer.",
		}, []string{"code"}),
		ack: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "betimes_gateway_ack_seconds", Help: "Time from handing an event on until every in-sync replica had it.",
			Buckets:                     []float64{.0005, .001, .002, .004, .008, .016, .032, .064, .128, .256, .512, 1, 2, 4, 8, 16},
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 160, NativeHistogramMinResetDuration: time.Hour,
		}),
	}
	m.accepted = m.requests.WithLabelValues(strconv.Itoa(http.StatusAccepted))
	if r == nil {
		return m
	}
	r.MustRegister(m.requests, m.ack,
		m.counter("accepted", &m.totals.accepted), m.counter("duplicate", &m.totals.duplicate),
		m.counter("refused", &m.totals.refused), m.counter("failed", &m.totals.failed),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "betimes_gateway_would_be_late_total", Help: "Events refused because they would be late, with flow.admit.late: shed.",
		}, func() float64 { return float64(m.totals.late.Load()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "betimes_gateway_in_flight_bytes", Help: "Bytes of bodies read and not yet durable.",
		}, func() float64 { return float64(f.bytes.Load()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "betimes_gateway_in_flight_events", Help: "Events handed on and not yet durable.",
		}, func() float64 { return float64(m.totals.pending.Load()) }))
	return m
}

func (m *metrics) counter(result string, n *atomic.Int64) prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "betimes_gateway_events_total", Help: "Events by how they were answered: accepted (durable), duplicate (remembered id), refused, failed (not durable).",
		ConstLabels: prometheus.Labels{"result": result},
	}, func() float64 { return float64(n.Load()) })
}

// count wraps the routes and counts each answer.
func (m *metrics) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &counted{ResponseWriter: w, code: http.StatusOK}
		next.ServeHTTP(c, r)
		m.answered(c.code).Inc()
	})
}

// answered gives the counter of a code. The most frequent one is looked up once.
func (m *metrics) answered(code int) prometheus.Counter {
	if code == http.StatusAccepted {
		return m.accepted
	}
	return m.requests.WithLabelValues(strconv.Itoa(code))
}

// counted remembers the status code of an answer.
type counted struct {
	http.ResponseWriter
	code int
}

func (c *counted) WriteHeader(code int) {
	c.code = code
	c.ResponseWriter.WriteHeader(code)
}

// Unwrap lets http.ResponseController reach the connection.
func (c *counted) Unwrap() http.ResponseWriter { return c.ResponseWriter }
