package series

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// Shared registers a family, or gives the one that is registered under its name.
// Without a registerer the family is the caller's alone.
func Shared[C prometheus.Collector](r prometheus.Registerer, family C) C {
	if r == nil {
		return family
	}
	if already, is := errors.AsType[prometheus.AlreadyRegisteredError](r.Register(family)); is {
		if existing, is := already.ExistingCollector.(C); is {
			return existing
		}
	}
	return family
}
