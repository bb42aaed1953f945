package kafka

import (
	"github.com/prometheus/client_golang/prometheus"

	"betimes/internal/series"
)

// metrics count what the door does. Rooms count what it means.
type metrics struct {
	writes  *prometheus.CounterVec // by result
	written prometheus.Counter     // writes with result ok
	halted  *prometheus.CounterVec // by topic

	transactionVersion *prometheus.GaugeVec // no series before it is known
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		writes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "betimes_kafka_writes_total", Help: "Records written, by result.",
		}, []string{"result"}),
		halted: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "betimes_kafka_halted_partitions_total", Help: "Partitions that stopped: data gone or unreadable, or an ending that could not be written.",
		}, []string{"topic"}),
		transactionVersion: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "betimes_kafka_transaction_version", Help: "Level of transaction.version at the brokers, once a transactional producer is open; exactly_once wants 2.",
		}, nil),
	}
	m.writes = series.Shared(reg, m.writes)
	m.halted = series.Shared(reg, m.halted)
	m.transactionVersion = series.Shared(reg, m.transactionVersion)
	m.written = m.writes.WithLabelValues("ok")
	return m
}
