package metrics

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// summary is what is kept of values: the five statistics and, for percentiles, a
// count per class of equal logarithm. Summaries merge.
type summary struct {
	Count   float64           `json:"n"`
	Sum     float64           `json:"sum"`
	Min     float64           `json:"min"`
	Max     float64           `json:"max"`
	Classes map[int32]float64 `json:"q,omitempty"` // lacks what came as a statistic set
}

// growth is the ratio between the bounds of a class: percentiles are within 1 %.
const growth = 1.02

// zeroClass is far above every class of a positive number: log(1.8e308) ÷ log(1.02) is 35,844.
const zeroClass = 1 << 17

// classOf orders as values do: negative ones below 0, 0 itself is 0.
func classOf(v float64) int32 {
	if v == 0 {
		return 0
	}
	c := int32(math.Ceil(math.Log(math.Abs(v))/math.Log(growth))) + zeroClass
	if v < 0 {
		return -c
	}
	return c
}

// middle is the value that stands for a class.
func middle(class int32) float64 {
	switch {
	case class == 0:
		return 0
	case class < 0:
		return -middle(-class)
	}
	return math.Pow(growth, float64(class-zeroClass)) * 2 / (1 + growth)
}

// add takes a value that was seen count times.
func (s *summary) add(v, count float64) {
	s.merge(&summary{Count: count, Sum: v * count, Min: v, Max: v, Classes: map[int32]float64{classOf(v): count}})
}

func (s *summary) merge(o *summary) {
	if o.Count == 0 {
		return
	}
	if s.Count == 0 {
		s.Min, s.Max = o.Min, o.Max
	}
	s.Min, s.Max = min(s.Min, o.Min), max(s.Max, o.Max)
	s.Count += o.Count
	s.Sum += o.Sum
	if s.Classes == nil && len(o.Classes) > 0 {
		s.Classes = make(map[int32]float64, len(o.Classes))
	}
	for class, n := range o.Classes {
		s.Classes[class] += n
	}
}

// The statistics with names of their own.
var plainStatistics = []string{"SampleCount", "Average", "Sum", "Minimum", "Maximum"}

// percentile reads p99 and p99.9.
func percentile(stat string) (float64, bool) {
	digits, ok := strings.CutPrefix(stat, "p")
	p, err := strconv.ParseFloat(digits, 64)
	return p, ok && err == nil && p >= 0 && p <= 100
}

func validStatistic(stat string) bool {
	_, ok := percentile(stat)
	return ok || slices.Contains(plainStatistics, stat)
}

// statistic gives one; a percentile is not there when values came as statistic sets.
func (s *summary) statistic(stat string) (float64, bool) {
	if s.Count == 0 {
		return 0, false
	}
	switch stat {
	case "SampleCount":
		return s.Count, true
	case "Average":
		return s.Sum / s.Count, true
	case "Sum":
		return s.Sum, true
	case "Minimum":
		return s.Min, true
	case "Maximum":
		return s.Max, true
	}
	p, _ := percentile(stat)
	return s.quantile(p / 100)
}

func (s *summary) quantile(q float64) (float64, bool) {
	if s.Min == s.Max {
		return s.Min, true
	}
	known := 0.0
	for _, n := range s.Classes {
		known += n
	}
	if known < s.Count*(1-1e-9) {
		return 0, false
	}
	seen := 0.0
	for _, class := range slices.Sorted(maps.Keys(s.Classes)) {
		if seen += s.Classes[class]; seen >= q*known {
			return min(max(middle(class), s.Min), s.Max), true
		}
	}
	return s.Max, true
}
