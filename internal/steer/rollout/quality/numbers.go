package quality

import "math"

// Number are the figures of numbers.
type Number struct {
	RMSE float64 `json:"rmse"` // root of the mean squared error
	MAE  float64 `json:"mae"`  // mean absolute error
	R2   float64 `json:"r2"`   // share of the variance that is explained; 0 when there is none
}

func measureNumbers(labels, scores []float64) *Number {
	rows := float64(len(labels))
	mean := 0.0
	for _, y := range labels {
		mean += y / rows
	}
	var squared, absolute, variance float64
	for i, y := range labels {
		squared += (y - scores[i]) * (y - scores[i])
		absolute += math.Abs(y - scores[i])
		variance += (y - mean) * (y - mean)
	}
	n := &Number{RMSE: math.Sqrt(squared / rows), MAE: absolute / rows}
	if variance > 0 {
		n.R2 = 1 - squared/variance
	}
	return n
}
