package learn

import (
	"math"
	"slices"
)

// AUC is the area under the ROC curve: the chance that a row of label 1 scores
// above one of label 0, ties counting half. NaN when one label is absent.
func AUC(scores, labels []float64) float64 {
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case scores[a] < scores[b]:
			return -1
		case scores[a] > scores[b]:
			return 1
		}
		return 0
	})
	var ranks, positives float64
	for from := 0; from < len(order); {
		to := from
		for to < len(order) && scores[order[to]] == scores[order[from]] {
			to++
		}
		to = max(to, from+1) // a score that is NaN equals nothing
		rank := float64(from+1+to) / 2
		for _, i := range order[from:to] {
			if labels[i] > 0.5 {
				ranks += rank
				positives++
			}
		}
		from = to
	}
	negatives := float64(len(order)) - positives
	if positives == 0 || negatives == 0 {
		return math.NaN()
	}
	return (ranks - positives*(positives+1)/2) / (positives * negatives)
}
