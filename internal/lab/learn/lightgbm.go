package learn

import (
	"io"
	"math"
)

// lightMagic is the first line of LightGBM's text model.
const lightMagic = "tree\n"

// What LightGBM takes for a missing value, per split.
const (
	missingNone = 0 // nothing; NaN counts as 0
	missingZero = 1
	missingNaN  = 2
)

// zeroWidth is how far from 0 still is zero, as in LightGBM.
const zeroWidth = 1e-35

// lightStep is one node of a LightGBM tree. Unlike XGBoost's its threshold has
// 64 bits and belongs to the left.
type lightStep struct {
	value       float64 // of a split: go left when x <= value; of a leaf: what it adds
	feature     int32   // leafMark: leaf
	left, right int32   // of the whole forest
	defaultLeft bool
	missing     uint8
}

// lightForest is a model trained by LightGBM; it is served, not trained here.
type lightForest struct {
	text     []byte // the file, to be written again
	features int
	logistic bool
	slope    float64 // of the sigmoid
	steps    []lightStep
	roots    []int32
}

// Features is how many columns a row has.
func (f *lightForest) Features() int { return f.features }

// Predict gives the probability of label 1, or the value.
func (f *lightForest) Predict(row []float64) float64 {
	sum := 0.0
	for _, root := range f.roots {
		s := &f.steps[root]
		for s.feature != leafMark {
			x := math.NaN()
			if int(s.feature) < len(row) {
				x = row[s.feature]
			}
			s = &f.steps[s.next(x)]
		}
		sum += s.value
	}
	if f.logistic {
		return sigmoid(f.slope * sum)
	}
	return sum
}

// next is where a value goes from a split.
func (s *lightStep) next(x float64) int32 {
	if x != x && s.missing != missingNaN {
		x = 0
	}
	left := x <= s.value
	if x != x || (s.missing == missingZero && math.Abs(x) <= zeroWidth) {
		left = s.defaultLeft
	}
	if left {
		return s.left
	}
	return s.right
}

// Write writes the file that was loaded.
func (f *lightForest) Write(w io.Writer) error {
	_, err := w.Write(f.text)
	return err
}
