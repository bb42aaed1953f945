package trail

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// register adds the trail's metrics; they are read from it when asked for.
func register(reg prometheus.Registerer, t *Trail) error {
	gauge := func(name, help string, value func() float64) error {
		return reg.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	return errors.Join(
		gauge("betimes_trail_entries", "Records that the index of where events are can name.", func() float64 {
			n, _ := t.index.usage()
			return float64(n)
		}),
		gauge("betimes_trail_disk_bytes", "Disk that the index takes.", func() float64 {
			_, b := t.index.usage()
			return float64(b)
		}),
		gauge("betimes_trail_waiting", "Callers that wait for the ending of their event.", func() float64 {
			return float64(t.waits.waiting())
		}),
	)
}
