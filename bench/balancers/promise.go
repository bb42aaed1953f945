package main

import (
	"fmt"

	"betimes/bench/spread"
)

// promise is a bound that was set before anything was measured.
type promise struct {
	step   int
	figure string
	to     string // what the figure is a ratio to; empty: it is the figure itself
	most   float64
}

// toEach promises the same of the ratio to each.
func toEach(systems []string, figure string, most float64) (all []promise) {
	for _, to := range systems {
		all = append(all, promise{figure: figure, to: to, most: most})
	}
	return all
}

// line says what was promised and what came out.
func (p promise) line(s scenario, all map[string][]run) string {
	f, name := figureOf(p.figure), p.figure
	values := s.values(f, all[s.ours()], p.step, false)
	if p.to != "" {
		values, name = s.ratios(f, all, p.to, p.step), name+" ÷ "+p.to
	}
	if len(s.steps) > 1 {
		name = s.steps[p.step].what + ": " + name
	}
	said := "nothing to tell by"
	if len(values) > 0 {
		if said = "missed"; spread.Median(values) <= p.most {
			said = "kept"
		}
	}
	format := "%.2f"
	if p.to == "" {
		format = f.format
	}
	return fmt.Sprintf("- %s at most %g: %s, %s", name, p.most, spread.Of(format, values), said)
}
