package main

import "time"

// courses are the figures of a model whose cost changes.
func courses() []column {
	of := func(f func(course) time.Duration, unit time.Duration) func(result) float64 {
		return func(r result) float64 { return float64(f(r.course)) / float64(unit) }
	}
	return []column{
		{steadyP99, "%.2f", of(func(c course) time.Duration { return c.steady }, time.Millisecond)},
		{steadySlowP99, "%.2f", of(func(c course) time.Duration { return c.steadySlow }, time.Millisecond)},
		{"p99 of the second after × 3", "%.1f", of(func(c course) time.Duration { return c.firstSlower }, time.Millisecond)},
		{"p99 of the second after × 1", "%.1f", of(func(c course) time.Duration { return c.firstBack }, time.Millisecond)},
		{learnedSlower, "%.1f", of(func(c course) time.Duration { return c.learnedSlower }, time.Second)},
		{learnedBack, "%.1f", of(func(c course) time.Duration { return c.learnedBack }, time.Second)},
	}
}

// Figures of a changing cost that promises name.
const (
	steadyP99     = "steady p99"
	steadySlowP99 = "steady p99, cost × 3"
	learnedSlower = "cost × 3 learned after, s"
	learnedBack   = "× 1 again after, s"
)
