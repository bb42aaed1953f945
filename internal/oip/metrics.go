package oip

import (
	"github.com/prometheus/client_golang/prometheus"

	"betimes/internal/series"
)

// newConnections gives the counter of dialled connections, which all endpoints
// of one registry share.
func newConnections(r prometheus.Registerer) *prometheus.CounterVec {
	return series.Shared(r, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "betimes_oip_new_connections_total",
		Help: "Connections dialled to servers of the Open Inference Protocol. Many per second: the server closes them, or connections is too small.",
	}, []string{"endpoint"}))
}
