package main

import (
	"math"
	"strconv"
)

// axis turns figures into places.
type axis struct {
	least, most float64 // figures at its ends
	from, to    float64 // places of its ends
	log         bool
}

func (a axis) at(v float64) float64 {
	if a.log {
		v = math.Log(max(v, a.least)/a.least) / math.Log(a.most/a.least)
	} else {
		v = (v - a.least) / (a.most - a.least)
	}
	return a.from + (a.to-a.from)*v
}

// linear is an axis from zero to a tick no less than most.
func linear(most, from, to float64) axis {
	step := tickStep(most)
	return axis{0, step * max(math.Ceil(most/step*(1-1e-9)), 1), from, to, false}
}

// tickStep is a round figure of which few make up a span.
func tickStep(span float64) float64 {
	if span <= 0 {
		return 1
	}
	return ceiling(span / 5)
}

// logarithmic is an axis between round figures around least and most.
func logarithmic(least, most, from, to float64) axis {
	return axis{floor(least), ceiling(most), from, to, true}
}

// steps are the round figures of one power of ten.
var steps = [...]float64{1, 2, 5, 10}

// ceiling is the next figure of the form 1, 2 or 5 times a power of ten.
func ceiling(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, s := range steps {
		if s*power >= v*(1-1e-9) {
			return s * power
		}
	}
	return 10 * power
}

// floor is the last figure of the form 1, 2 or 5 times a power of ten.
func floor(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	best := power
	for _, s := range steps {
		if s*power <= v {
			best = s * power
		}
	}
	return best
}

// manyPowers is from where on there is room for powers of ten alone.
const manyPowers = 2000

// ticks are the figures that are written.
func (a axis) ticks() []float64 {
	var all []float64
	if a.log {
		each := steps[:3]
		if a.most/a.least > manyPowers {
			each = steps[:1]
		}
		for power := math.Pow(10, math.Floor(math.Log10(a.least))); power <= a.most; power *= 10 {
			for _, s := range each {
				if v := s * power; v >= a.least*(1-1e-9) && v <= a.most*(1+1e-9) {
					all = append(all, v)
				}
			}
		}
		return all
	}
	step := tickStep(a.most - a.least)
	for v := a.least; v <= a.most*(1+1e-9); v += step {
		all = append(all, v)
	}
	return all
}

// short writes a figure for people, with three digits that count at most.
func short(v float64) string {
	if v >= 100 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	f, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 3, 64), 64)
	if err != nil {
		return ""
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}
