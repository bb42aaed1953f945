package sagemaker

import (
	"github.com/prometheus/client_golang/prometheus"

	"betimes/internal/series"
)

// metrics are shared by all endpoints of one registry.
type metrics struct {
	throttles, connections, modelErrors   *prometheus.CounterVec
	requests, notices, looks, late, swept *prometheus.CounterVec
	pending                               *prometheus.GaugeVec
}

// asyncMeter is of one asynchronous endpoint.
type asyncMeter struct {
	pending            prometheus.Gauge
	requests           map[outcome]prometheus.Counter
	notices            map[string]prometheus.Counter
	looks, late, swept prometheus.Counter
}

func (m *metrics) async(endpoint string) asyncMeter {
	a := asyncMeter{
		pending: m.pending.WithLabelValues(endpoint), looks: m.looks.WithLabelValues(endpoint), late: m.late.WithLabelValues(endpoint),
		swept: m.swept.WithLabelValues(endpoint), requests: map[outcome]prometheus.Counter{}, notices: map[string]prometheus.Counter{},
	}
	for _, how := range []outcome{jobCompleted, jobFailed, jobExpired, jobCanceled, jobRefused} {
		a.requests[how] = m.requests.WithLabelValues(endpoint, string(how))
	}
	for _, kind := range []string{noticeUsed, noticeRepeated, noticeLate, noticeForeign, noticeOther} {
		a.notices[kind] = m.notices.WithLabelValues(endpoint, kind)
	}
	return a
}

func newMetrics(r prometheus.Registerer) *metrics {
	return &metrics{
		throttles: counter(r, "betimes_sagemaker_throttles_total",
			"Invocations that the endpoint refused because it is saturated.", "endpoint"),
		connections: counter(r, "betimes_sagemaker_new_connections_total",
			"Connections dialled. Many per second: they are closed by the other side, or connections is too small.", "endpoint"),
		modelErrors: counter(r, "betimes_sagemaker_model_errors_total",
			"Invocations that the container failed, by its own status; 0: it did not answer.", "endpoint", "original_status"),
		requests: counter(r, "betimes_sagemaker_async_requests_total",
			"Asynchronous requests by their one end: completed, failed, expired (no result in time), canceled (nobody waits any longer), refused.", "endpoint", "outcome"),
		notices: counter(r, "betimes_sagemaker_async_notices_total",
			"Notifications of asynchronous results: used, repeated, late (of a request that was given up), foreign (of another process or an earlier run), other.", "endpoint", "kind"),
		looks: counter(r, "betimes_sagemaker_async_looks_total",
			"Looks into S3 for asynchronous results.", "endpoint"),
		late: counter(r, "betimes_sagemaker_async_late_total",
			"Asynchronous results that were there after their request had been given up; they are deleted.", "endpoint"),
		swept: counter(r, "betimes_sagemaker_async_swept_total",
			"Objects older than any request that were deleted: requests and results of runs that ended.", "endpoint"),
		pending: gauge(r, "betimes_sagemaker_async_pending", "Asynchronous requests without a result.", "endpoint"),
	}
}

func counter(r prometheus.Registerer, name, help string, labels ...string) *prometheus.CounterVec {
	return series.Shared(r, prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels))
}

func gauge(r prometheus.Registerer, name, help string, labels ...string) *prometheus.GaugeVec {
	return series.Shared(r, prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels))
}
