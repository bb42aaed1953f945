package learn

import "math"

// Classifier is a Model that gives a probability per class.
type Classifier interface {
	Model
	// Classes is how many; 0: this model gives one number after all.
	Classes() int
	// Probabilities appends that of each class to an empty list.
	Probabilities(row []float64, into []float64) []float64
}

// softmax makes probabilities of margins, in place.
func softmax(margins []float64) []float64 {
	most, sum := margins[greatest(margins)], 0.0
	for i, m := range margins {
		margins[i] = math.Exp(m - most)
		sum += margins[i]
	}
	for i := range margins {
		margins[i] /= sum
	}
	return margins
}

// greatest is the index of the greatest number, the first of equals.
func greatest(of []float64) int {
	at := 0
	for i, x := range of {
		if x > of[at] {
			at = i
		}
	}
	return at
}

// bits is a set of categories.
type bits []uint32

// maxCategory is the greatest of XGBoost, and more than any of LightGBM.
const maxCategory = 1 << 24

// has says whether the set holds a value, whole numbers from 0 only.
func (b bits) has(x float64) bool {
	if !(x > -1 && x < maxCategory) {
		return false
	}
	category := int(x)
	return category>>5 < len(b) && b[category>>5]>>(category&31)&1 == 1
}

// setOf is the set of some categories.
func setOf(categories []int) bits {
	set := bits{}
	for _, c := range categories {
		for c>>5 >= len(set) {
			set = append(set, 0)
		}
		set[c>>5] |= 1 << (c & 31)
	}
	return set
}
