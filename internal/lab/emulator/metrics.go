package emulator

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// counters count what the emulator answers.
type counters struct {
	requests    *prometheus.CounterVec
	invocations *prometheus.CounterVec
	served      prometheus.Counter // of invocations: those with 200, found once
	runtime     prometheus.Counter // of requests: those to sagemaker, found once
	seconds     prometheus.Histogram
}

func newCounters(r prometheus.Registerer) *counters {
	c := &counters{
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
	c.served, c.runtime = c.invocations.WithLabelValues("200"), c.requests.WithLabelValues(sageMaker)
	if r != nil {
		r.MustRegister(c.requests, c.invocations, c.seconds)
	}
	return c
}

func (c *counters) request(service string) {
	if service == sageMaker {
		c.runtime.Inc()
		return
	}
	c.requests.WithLabelValues(service).Inc()
}

func (c *counters) observe(status int, took time.Duration) {
	if status == http.StatusOK {
		c.served.Inc()
	} else {
		c.invocations.WithLabelValues(strconv.Itoa(status)).Inc()
	}
	c.seconds.Observe(took.Seconds())
}
