// Package spread says what a figure came to over several turns: the median, and the
// range.
//
// Upstream: the tables of bench and of its balancers. Downstream: nothing.
//
// Invariants: standard library only; values are put in order where they are.
package spread

import (
	"fmt"
	"slices"
)

// Of is median [least–most]; each is written in the format.
func Of(format string, values []float64) string {
	if len(values) == 0 {
		return "–"
	}
	middle := Median(values)
	if len(values) == 1 {
		return fmt.Sprintf(format, middle)
	}
	return fmt.Sprintf(format+" ["+format+"–"+format+"]", middle, values[0], values[len(values)-1])
}

// Median puts values in order; there must be some.
func Median(values []float64) float64 {
	slices.Sort(values)
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}
