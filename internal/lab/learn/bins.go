package learn

import (
	"math"
	"slices"
	"sort"
)

// maxBins bounds the bins of a feature, so that a bin fits a byte with one
// value left for "missing".
const (
	maxBins    = 255
	missingBin = 255
)

// bins is a table with every number replaced by the number of its bin.
type bins struct {
	rows int
	cuts [][]float32 // per feature, rising: bin b holds cuts[b-1] <= x < cuts[b]
	of   [][]uint8   // per feature, per row
}

// binTable cuts every feature into at most most bins. A feature with fewer
// distinct values is cut between all of them, so nothing is lost.
func binTable(t *Table, most int) *bins {
	b := &bins{rows: t.Rows(), cuts: make([][]float32, t.Width), of: make([][]uint8, t.Width)}
	values := make([]float32, 0, b.rows)
	for f := range t.Width {
		values = values[:0]
		for i := range b.rows {
			if x := t.Values[i*t.Width+f]; !math.IsNaN(x) {
				values = append(values, float32(x))
			}
		}
		slices.Sort(values)
		b.cuts[f] = cutsOf(values, most)
		b.of[f] = assign(t, f, b.cuts[f])
	}
	return b
}

// cutsOf puts the cuts between neighbouring distinct values of the sorted
// values, at about equal counts when there are too many.
func cutsOf(sorted []float32, most int) []float32 {
	distinct := 0
	for i := range sorted {
		if i == 0 || sorted[i] != sorted[i-1] {
			distinct++
		}
	}
	var cuts []float32
	perBin, next := float64(len(sorted))/float64(most), 0.0
	for i := 1; i < len(sorted); i++ {
		if sorted[i] == sorted[i-1] {
			continue
		}
		if distinct > most {
			if float64(i) < next+perBin {
				continue
			}
			next = math.Floor(float64(i)/perBin) * perBin
		}
		cuts = append(cuts, between(sorted[i-1], sorted[i]))
	}
	return cuts
}

// between gives c with a < c <= b: x < c separates a from b.
func between(a, b float32) float32 {
	c := float32((float64(a) + float64(b)) / 2)
	if c <= a || c > b {
		return b
	}
	return c
}

func assign(t *Table, f int, cuts []float32) []uint8 {
	of := make([]uint8, t.Rows())
	for i := range of {
		x := t.Values[i*t.Width+f]
		if math.IsNaN(x) {
			of[i] = missingBin
			continue
		}
		v := float32(x)
		of[i] = uint8(sort.Search(len(cuts), func(j int) bool { return v < cuts[j] }))
	}
	return of
}
