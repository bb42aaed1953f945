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
	value       float64 // of a split: go left when x <= value; of one by category: which set goes left; of a leaf: what it adds
	feature     int32   // leafMark: leaf
	left, right int32   // of the whole forest
	defaultLeft bool
	missing     uint8
	byCategory  bool
}

// lightForest is a model trained by LightGBM; it is served, not trained here.
type lightForest struct {
	text     []byte // the file, to be written again
	features int
	classes  int // trees of an iteration: one after the other, one a class
	average  bool
	link     lightLink
	slope    float64 // of the sigmoid
	steps    []lightStep
	roots    []int32
	sets     []bits
}

// Features is how many columns a row has.
func (f *lightForest) Features() int { return f.features }

// Predict gives the answer in the terms of the objective; of a model with
// several classes the one that is most likely.
func (f *lightForest) Predict(row []float64) float64 {
	if f.classes > 1 {
		var few [16]float64
		return float64(greatest(f.margins(row, few[:0])))
	}
	sum := 0.0
	for _, root := range f.roots {
		sum += f.leaf(root, row)
	}
	if f.average {
		sum /= float64(len(f.roots))
	}
	return f.link.answer(sum, f.slope)
}

// Classes is how many probabilities an answer has; 0: it is one number.
func (f *lightForest) Classes() int {
	if f.classes > 1 {
		return f.classes
	}
	return 0
}

// Probabilities gives that of each class; of a model that sets each class against all others they do not sum to 1.
func (f *lightForest) Probabilities(row []float64, into []float64) []float64 {
	into = f.margins(row, into)
	if f.link == lightSoftmax {
		return softmax(into)
	}
	for i, m := range into {
		into[i] = f.link.answer(m, f.slope)
	}
	return into
}

func (f *lightForest) margins(row []float64, into []float64) []float64 {
	for range f.classes {
		into = append(into, 0)
	}
	for tree, root := range f.roots {
		into[tree%f.classes] += f.leaf(root, row)
	}
	if f.average {
		for i := range into {
			into[i] /= float64(len(f.roots) / f.classes)
		}
	}
	return into
}

// leaf is what one tree adds.
func (f *lightForest) leaf(root int32, row []float64) float64 {
	s := &f.steps[root]
	for s.feature != leafMark {
		x := math.NaN()
		if int(s.feature) < len(row) {
			x = row[s.feature]
		}
		next := s.right
		if s.byCategory && f.sets[int(s.value)].has(x) || !s.byCategory && s.isLeft(x) {
			next = s.left
		}
		s = &f.steps[next]
	}
	return s.value
}

// isLeft says whether a number goes left.
func (s *lightStep) isLeft(x float64) bool {
	if x != x && s.missing != missingNaN {
		x = 0
	}
	if x != x || (s.missing == missingZero && math.Abs(x) <= zeroWidth) {
		return s.defaultLeft
	}
	return x <= s.value
}

// Write writes the file that was loaded.
func (f *lightForest) Write(w io.Writer) error {
	_, err := w.Write(f.text)
	return err
}
