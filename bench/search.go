package main

import (
	"context"
	"fmt"
	"math"
	"time"
)

// Bounds of a search for the highest sustained rate.
const (
	steps        = 5               // halvings of the range, in proportion: 12-fold to 8 %
	searchWindow = 6 * time.Second // of each
	growthShare  = 0.01            // of the rate, that what is under way may grow by
)

// found is what a search ended with.
type found struct {
	best   *result // at the highest rate that was sustained; nil: at none
	failed *result // at the lowest that was not; nil: all were
}

// search finds for each system the highest rate that it sustains.
func (s suite) search(ctx context.Context, g *ground, sc scenario, taking []system) error {
	rates := s.o.ratesOf(sc)
	least, most := rates[0], rates[len(rates)-1]
	results := map[string]found{}
	for _, one := range taking {
		var f found
		low, high := least, most
		for step := range steps {
			r := trial{o: s.o, ground: g, scenario: sc, system: one, rate: math.Sqrt(low * high), window: searchWindow, seed: s.o.seed + uint64(step), home: s.home}
			res, err := r.measure(ctx)
			if err != nil {
				return fmt.Errorf("%s at %.0f/s: %w", one.name, r.rate, err)
			}
			s.report.progress(one.name, step+1, res)
			if res.void == "" {
				f.best, low = &res, r.rate
			} else {
				f.failed, high = &res, r.rate
			}
		}
		results[one.name] = f
	}
	s.report.found(sc, taking, results)
	return nil
}

// unsustained says why a rate is not sustained, or nothing.
func unsustained(r result) string {
	switch {
	case r.Latency.P99 > sloP99 && r.Lag.P99 > sloP99/10:
		return fmt.Sprintf("the load's own core is full: lag p99 %s ms, p99 %s ms", ms(r.Lag.P99), ms(r.Latency.P99))
	case r.Latency.P99 > sloP99:
		return fmt.Sprintf("p99 %s ms", ms(r.Latency.P99))
	case r.Growth > growthShare*r.rate:
		return fmt.Sprintf("what is under way grows by %.0f/s", r.Growth)
	}
	return ""
}
