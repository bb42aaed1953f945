package learn

import "math"

// newton is the state of a fit: weights of the standardised columns, the bias last.
type newton struct {
	p     linearParams
	train *Table

	means, scales []float64
	weights       []float64
	x             []float64 // scratch: one standardised row, 1 at the end
	gradient      []float64
	hessian       []float64 // lower triangle of a square matrix, row after row
}

func newNewton(p linearParams, train *Table) *newton {
	d := train.Width + 1
	s := &newton{
		p: p, train: train, weights: make([]float64, d), x: make([]float64, d),
		gradient: make([]float64, d), hessian: make([]float64, d*d),
	}
	s.means, s.scales = standardise(train)
	return s
}

// standardise gives each column's mean and standard deviation, missing values
// left out. A constant column's deviation is 1, so it stays harmless.
func standardise(t *Table) (means, scales []float64) {
	means, scales = make([]float64, t.Width), make([]float64, t.Width)
	for j := range t.Width {
		var n, sum, squares float64
		for i := j; i < len(t.Values); i += t.Width {
			if x := t.Values[i]; x == x {
				n++
				delta := x - sum
				sum += delta / n // running mean (Welford), steady for large offsets
				squares += delta * (x - sum)
			}
		}
		means[j], scales[j] = sum, 1
		if deviation := math.Sqrt(squares / max(n, 1)); deviation > 0 && !math.IsInf(deviation, 0) {
			scales[j] = deviation
		}
	}
	return means, scales
}

// step moves the weights by one Newton step and returns the largest move.
func (s *newton) step() float64 {
	clear(s.gradient)
	clear(s.hessian)
	for i, y := range s.train.Labels {
		s.addRow(s.train.Row(i), y)
	}
	d := len(s.weights)
	n := float64(len(s.train.Labels))
	for j := range d {
		if j < d-1 { // the bias is not penalised
			s.gradient[j] += s.p.decay * n * s.weights[j]
			s.hessian[j*d+j] += s.p.decay * n
		}
		s.hessian[j*d+j] += 1e-9 * n // columns that say the same must not make it singular
	}
	solve(s.hessian, s.gradient)
	moved := 0.0
	for j := range s.weights {
		move := max(min(s.gradient[j], 5), -5) // near-separable data must not run away
		if !s.p.logistic {
			move = s.gradient[j]
		}
		s.weights[j] -= move
		moved = max(moved, math.Abs(move))
	}
	return moved
}

// addRow adds one row's share to gradient and hessian.
func (s *newton) addRow(row []float64, y float64) {
	d := len(s.weights)
	score := s.weights[d-1]
	for j, v := range row {
		s.x[j] = 0
		if v == v {
			s.x[j] = (v - s.means[j]) / s.scales[j]
		}
		score += s.weights[j] * s.x[j]
	}
	s.x[d-1] = 1
	g, h := score-y, 1.0
	if s.p.logistic {
		p := sigmoid(score)
		g, h = p-y, max(p*(1-p), 1e-9)
		if y == 1 {
			g, h = g*s.p.positive, h*s.p.positive
		}
	}
	for j, v := range s.x {
		s.gradient[j] += g * v
		line, hv := s.hessian[j*d:j*d+j+1], h*v
		for k := range line {
			line[k] += hv * s.x[k]
		}
	}
}

// model folds the scaling into the weights.
func (s *newton) model() *linear {
	d := len(s.weights)
	m := &linear{Logistic: s.p.logistic, Bias: s.weights[d-1], Weights: make([]float64, d-1), Means: s.means}
	for j := range m.Weights {
		m.Weights[j] = s.weights[j] / s.scales[j]
		m.Bias -= m.Weights[j] * s.means[j]
	}
	return m
}

// solve puts the x of a·x = b into b by Cholesky's method. a is the lower
// triangle of a symmetric positive matrix and is overwritten.
func solve(a, b []float64) {
	d := len(b)
	for j := range d {
		for i := j; i < d; i++ {
			sum := a[i*d+j]
			for k := range j {
				sum -= a[i*d+k] * a[j*d+k]
			}
			if i == j {
				a[j*d+j] = math.Sqrt(max(sum, 1e-12))
			} else {
				a[i*d+j] = sum / a[j*d+j]
			}
		}
	}
	for i := range d {
		for k := range i {
			b[i] -= a[i*d+k] * b[k]
		}
		b[i] /= a[i*d+i]
	}
	for i := d - 1; i >= 0; i-- {
		for k := i + 1; k < d; k++ {
			b[i] -= a[k*d+i] * b[k]
		}
		b[i] /= a[i*d+i]
	}
}
