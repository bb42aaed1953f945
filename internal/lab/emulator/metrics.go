package emulator

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts what the emulator answers.
type metrics struct {
	requests    *prometheus.CounterVec
	invocations *prometheus.CounterVec
	served      prometheus.Counter // of invocations: those with 200, found once
	runtime     prometheus.Counter // of requests: those to sagemaker, found once
	seconds     prometheus.Histogram
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "betimes_emulator_requests_total", Help: "Requests to the emulator, by AWS service.",
		}, []string{"service"}),
		invocations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "betimes_emulator_invocations_total", Help: "Answers of InvokeEndpoint, by HTTP status.",
		}, []string{"code"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "betimes_emulator_invocation_seconds", Help: "Time of InvokeEndpoint inside the emulator, its queue and model included.",
			Buckets:                     prometheus.ExponentialBuckets(0.0001, 2, 16),
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 160,
		}),
	}
	m.served, m.runtime = m.invocations.WithLabelValues("200"), m.requests.WithLabelValues(sageMaker)
	if r != nil {
		r.MustRegister(m.requests, m.invocations, m.seconds)
	}
	return m
}

func (m *metrics) request(service string) {
	if service == sageMaker {
		m.runtime.Inc()
		return
	}
	m.requests.WithLabelValues(service).Inc()
}

func (m *metrics) observe(status int, took time.Duration) {
	if status == http.StatusOK {
		m.served.Inc()
	} else {
		m.invocations.WithLabelValues(strconv.Itoa(status)).Inc()
	}
	m.seconds.Observe(took.Seconds())
}
