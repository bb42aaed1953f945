package balance

import (
	"github.com/prometheus/client_golang/prometheus"

	"betimes/internal/model"
)

// outcome is the label of a class, or ok.
func outcome(class int) string {
	if class == ok {
		return "ok"
	}
	return model.Class(class).String()
}

// register makes the counters; Pickers of one registerer share the families.
func (p *Picker) register(r prometheus.Registerer) {
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "betimes_balance_invocations_total", Help: "Calls to an endpoint by how they ended.",
	}, []string{"endpoint", "outcome"})
	if r != nil {
		if err := r.Register(vec); err != nil {
			if already, is := err.(prometheus.AlreadyRegisteredError); is {
				vec = already.ExistingCollector.(*prometheus.CounterVec)
			}
		}
	}
	for class := range p.counter {
		p.counter[class] = vec.WithLabelValues(p.config.Endpoint, outcome(class))
	}
}
