package load

import (
	"slices"
	"time"
)

// window is the measured part, since the start.
func (p *Schedule) window() (begin, end time.Duration) {
	return p.shape.WarmUp, p.shape.WarmUp + p.shape.Window
}

// samples is how often the window is looked at for its trend.
const samples = 50

// pace is how many records came back within the window, and by how many a second
// those under way grew: the slope of a straight line through samples of them.
func (l *Ledger) pace() (back int, growth float64) {
	var got []time.Duration
	for _, at := range l.got {
		if at != 0 {
			got = append(got, time.Duration(at))
		}
	}
	slices.Sort(got)
	begin, end := l.plan.window()
	before := func(sorted []time.Duration, t time.Duration) int {
		n, _ := slices.BinarySearch(sorted, t)
		return n
	}
	var x, y [samples]float64
	for i := range samples {
		at := begin + (end-begin)*time.Duration(i)/(samples-1)
		x[i], y[i] = at.Seconds(), float64(before(l.plan.At, at)-before(got, at))
	}
	return before(got, end) - before(got, begin), slope(x[:], y[:])
}

// slope is that of the straight line with the least squares.
func slope(x, y []float64) float64 {
	var sx, sy, sxx, sxy float64
	n := float64(len(x))
	for i := range x {
		sx, sy, sxx, sxy = sx+x[i], sy+y[i], sxx+x[i]*x[i], sxy+x[i]*y[i]
	}
	return (n*sxy - sx*sy) / (n*sxx - sx*sx)
}
