package oip

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// newConnections gives the counter of dialled connections, which all endpoints
// of one registry share.
func newConnections(r prometheus.Registerer) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "betimes_oip_new_connections_total",
		Help: "Connections dialled to servers of the Open Inference Protocol. Many per second: the server closes them, or connections is too small.",
	}, []string{"endpoint"})
	if r == nil {
		return c
	}
	if err := r.Register(c); err != nil {
		if was, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
			if existing, ok := was.ExistingCollector.(*prometheus.CounterVec); ok {
				return existing
			}
		}
	}
	return c
}
