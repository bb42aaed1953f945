package quality

import (
	"cmp"
	"math"
	"slices"
)

// Binary are the figures of two classes.
type Binary struct {
	Ones        int          `json:"ones"` // rows of class 1
	AUC         float64      `json:"auc"`
	AUCError    float64      `json:"auc_error"`             // standard error
	LogLoss     *float64     `json:"logloss,omitempty"`     // absent when scores are no probabilities
	Calibration *float64     `json:"calibration,omitempty"` // mean distance between predicted and observed share
	At          Confusion    `json:"confusion"`
	Bins        []Bin        `json:"bins,omitempty"`
	ROC         [][2]float64 `json:"roc"` // false and true positive rate, rising
}

// Confusion counts answers at a threshold.
type Confusion struct {
	Threshold     float64 `json:"threshold"`
	TruePositive  int     `json:"true_positive"`
	FalsePositive int     `json:"false_positive"`
	TrueNegative  int     `json:"true_negative"`
	FalseNegative int     `json:"false_negative"`
}

// Accuracy is the share of right answers.
func (c Confusion) Accuracy() float64 {
	return share(c.TruePositive+c.TrueNegative, c.FalsePositive+c.FalseNegative)
}

// Precision is the share of class 1 among what was called so.
func (c Confusion) Precision() float64 { return share(c.TruePositive, c.FalsePositive) }

// Recall is the share of class 1 that was found.
func (c Confusion) Recall() float64 { return share(c.TruePositive, c.FalseNegative) }

// share of yes among all; 0 of nothing.
func share(yes, no int) float64 { return float64(yes) / float64(max(yes+no, 1)) }

// Bin are the rows whose score lies in a tenth of the range.
type Bin struct {
	From      float64 `json:"from"`
	Rows      int     `json:"rows"`
	Predicted float64 `json:"predicted"` // mean score
	Observed  float64 `json:"observed"`  // share of class 1
}

const bins = 10

func measureClasses(labels, scores []float64, threshold float64) (*Binary, error) {
	b := &Binary{At: confusion(labels, scores, threshold)}
	b.Ones = b.At.TruePositive + b.At.FalseNegative
	zeros := len(labels) - b.Ones
	if b.Ones == 0 || zeros == 0 {
		return nil, errOneClass
	}
	b.ROC, b.AUC = roc(labels, scores, b.Ones, zeros)
	b.AUCError = aucError(b.AUC, float64(b.Ones), float64(zeros))
	if slices.Min(scores) >= 0 && slices.Max(scores) <= 1 {
		loss := logLoss(labels, scores)
		b.LogLoss = &loss
		b.Bins = binned(labels, scores)
		distance := 0.0
		for _, bin := range b.Bins {
			distance += math.Abs(bin.Predicted-bin.Observed) * float64(bin.Rows) / float64(len(labels))
		}
		b.Calibration = &distance
	}
	return b, nil
}

func confusion(labels, scores []float64, threshold float64) Confusion {
	c := Confusion{Threshold: threshold}
	for i, s := range scores {
		switch {
		case s >= threshold && labels[i] == 1:
			c.TruePositive++
		case s >= threshold:
			c.FalsePositive++
		case labels[i] == 1:
			c.FalseNegative++
		default:
			c.TrueNegative++
		}
	}
	return c
}

// roc walks from the highest score down; equal scores are one step, so ties
// count half.
func roc(labels, scores []float64, ones, zeros int) (curve [][2]float64, area float64) {
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	curve = [][2]float64{{0, 0}}
	var found, wrong float64
	for from := 0; from < len(order); {
		foundBefore, wrongBefore := found, wrong
		to := from
		for ; to < len(order) && scores[order[to]] == scores[order[from]]; to++ {
			found += labels[order[to]]
			wrong += 1 - labels[order[to]]
		}
		area += (wrong - wrongBefore) * (found + foundBefore) / 2
		curve = further(curve, [2]float64{wrong / float64(zeros), found / float64(ones)})
		from = to
	}
	return thinned(curve), area / float64(ones) / float64(zeros)
}

// further adds a point; one in the middle of a straight step is left out.
func further(curve [][2]float64, p [2]float64) [][2]float64 {
	if n := len(curve); n > 1 {
		a, b := curve[n-2], curve[n-1]
		if a[0] == b[0] && b[0] == p[0] || a[1] == b[1] && b[1] == p[1] {
			curve = curve[:n-1]
		}
	}
	return append(curve, p)
}

// curvePoints is how many points of a curve are kept.
const curvePoints = 100

func thinned(curve [][2]float64) [][2]float64 {
	if len(curve) <= curvePoints {
		return curve
	}
	kept := make([][2]float64, curvePoints)
	for i := range kept {
		kept[i] = curve[i*(len(curve)-1)/(curvePoints-1)]
	}
	return kept
}

// aucError is the standard error by Hanley and McNeil (1982).
func aucError(auc, ones, zeros float64) float64 {
	q1, q2 := auc/(2-auc), 2*auc*auc/(1+auc)
	v := auc*(1-auc) + (ones-1)*(q1-auc*auc) + (zeros-1)*(q2-auc*auc)
	return math.Sqrt(max(v, 0) / (ones * zeros))
}

// leastProbability keeps one sure and wrong answer from being infinitely bad.
const leastProbability = 1e-15

func logLoss(labels, scores []float64) float64 {
	sum := 0.0
	for i, s := range scores {
		if labels[i] == 0 {
			s = 1 - s
		}
		sum -= math.Log(max(s, leastProbability))
	}
	return sum / float64(len(scores))
}

// binned leaves out bins without rows.
func binned(labels, scores []float64) []Bin {
	all := make([]Bin, bins)
	for i, s := range scores {
		n := min(int(s*bins), bins-1)
		all[n].Rows++
		all[n].Predicted += s
		all[n].Observed += labels[i]
	}
	var out []Bin
	for n, b := range all {
		if b.Rows > 0 {
			rows := float64(b.Rows)
			out = append(out, Bin{float64(n) / bins, b.Rows, b.Predicted / rows, b.Observed / rows})
		}
	}
	return out
}
