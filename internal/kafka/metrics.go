package kafka

import (
	"github.com/prometheus/client_golang/prometheus"
)

// metrics count what the door does. Rooms count what it means.
type metrics struct {
	writes  *prometheus.CounterVec // by result
	written prometheus.Counter     // writes with result ok
	halted  *prometheus.CounterVec // by topic
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		writes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "betimes_kafka_writes_total", Help: "Records written, by result.",
		}, []string{"result"}),
		halted: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "betimes_kafka_halted_partitions_total", Help: "Partitions that stopped: data gone or unreadable, or an ending that could not be written.",
		}, []string{"topic"}),
	}
	if reg != nil {
		m.writes = registered(reg, m.writes)
		m.halted = registered(reg, m.halted)
	}
	m.written = m.writes.WithLabelValues("ok")
	return m
}

// registered registers a collector, or returns the one that another Cluster of
// this process registered before.
func registered(reg prometheus.Registerer, c *prometheus.CounterVec) *prometheus.CounterVec {
	if err := reg.Register(c); err != nil {
		if old, ok := err.(prometheus.AlreadyRegisteredError); ok {
			if vec, ok := old.ExistingCollector.(*prometheus.CounterVec); ok {
				return vec
			}
		}
	}
	return c
}
