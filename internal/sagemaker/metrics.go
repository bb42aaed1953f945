package sagemaker

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are shared by all endpoints of one registry.
type metrics struct {
	throttles, connections, modelErrors *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	return &metrics{
		throttles: counter(r, "betimes_sagemaker_throttles_total",
			"Invocations that the endpoint refused because it is saturated.", "endpoint"),
		connections: counter(r, "betimes_sagemaker_new_connections_total",
			"Connections dialled. Many per second: they are closed by the other side, or connections is too small.", "endpoint"),
		modelErrors: counter(r, "betimes_sagemaker_model_errors_total",
			"Invocations that the container failed, by its own status; 0: it did not answer.", "endpoint", "original_status"),
	}
}

func counter(r prometheus.Registerer, name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	if r == nil {
		return c
	}
	if was, ok := errors.AsType[prometheus.AlreadyRegisteredError](r.Register(c)); ok {
		if existing, ok := was.ExistingCollector.(*prometheus.CounterVec); ok {
			return existing
		}
	}
	return c
}
