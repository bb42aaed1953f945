package series

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func family() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "betimes_test_total", Help: "Of a test."}, []string{"who"})
}

func TestThoseOfOneRegistererCountIntoTheSameFamily(t *testing.T) {
	r := prometheus.NewRegistry()
	first := Shared(r, family())
	if Shared(r, family()) != first {
		t.Error("the second has a family of its own")
	}
	if Shared(prometheus.NewRegistry(), family()) == first || Shared(nil, family()) == first {
		t.Error("families are shared between registerers")
	}
}
