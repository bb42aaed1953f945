package loadgen

import "math"

// scoreBins divide scores from 0 to 1. The area under the ROC curve is then
// exact to some 1/scoreBins, in memory that does not grow.
const scoreBins = 10_000

// quality counts scores by their true label.
type quality struct {
	bins  [2][scoreBins + 1]int64
	n     [2]int64
	right int64
}

func (q *quality) add(score float64, label int8) {
	if math.IsNaN(score) {
		return
	}
	q.bins[label][int(min(max(score, 0), 1)*scoreBins)]++
	q.n[label]++
	if (score >= 0.5) == (label == 1) {
		q.right++
	}
}

// Quality tells how good the predictions were, where the truth is known.
type Quality struct {
	Labelled  int64    `json:"labelled"`
	Positives int64    `json:"positives"`
	Accuracy  float64  `json:"accuracy"`      // share right at a threshold of 0.5
	AUC       *float64 `json:"auc,omitempty"` // null when one of the labels did not occur
}

// report is nil without labels.
func (q *quality) report() *Quality {
	total := q.n[0] + q.n[1]
	if total == 0 {
		return nil
	}
	r := &Quality{Labelled: total, Positives: q.n[1], Accuracy: float64(q.right) / float64(total)}
	if q.n[0] == 0 || q.n[1] == 0 {
		return r
	}
	below, pairs := int64(0), 0.0
	for i := range q.bins[0] {
		pairs += float64(q.bins[1][i]) * (float64(below) + float64(q.bins[0][i])/2)
		below += q.bins[0][i]
	}
	auc := pairs / float64(q.n[0]) / float64(q.n[1])
	r.AUC = &auc
	return r
}
