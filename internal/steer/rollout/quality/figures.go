package quality

import (
	"errors"
	"fmt"
	"math"
)

// Figures are how good the answers were. Those of the other kind are absent.
type Figures struct {
	Kind   string  `json:"kind"` // classes or numbers
	Rows   int     `json:"rows"`
	Binary *Binary `json:"classes,omitempty"`
	Number *Number `json:"numbers,omitempty"`
}

// The kinds of labels.
const (
	Classes = "classes" // 0 and 1
	Numbers = "numbers"
)

// KindOf tells labels of two classes from numbers.
func KindOf(labels []float64) string {
	for _, y := range labels {
		if y != 0 && y != 1 {
			return Numbers
		}
	}
	return Classes
}

// Measure compares scores with labels, row by row. threshold is the score from
// which on an answer counts as class 1.
func Measure(labels, scores []float64, threshold float64) (Figures, error) {
	if len(labels) != len(scores) || len(labels) == 0 {
		return Figures{}, fmt.Errorf("%d answers to %d rows cannot be measured", len(scores), len(labels))
	}
	for i, s := range scores {
		if math.IsNaN(s) || math.IsInf(s, 0) {
			return Figures{}, fmt.Errorf("the answer to row %d of %d is not a finite number", i+1, len(scores))
		}
	}
	f := Figures{Kind: KindOf(labels), Rows: len(labels)}
	var err error
	if f.Kind == Classes {
		f.Binary, err = measureClasses(labels, scores, threshold)
	} else {
		f.Number = measureNumbers(labels, scores)
	}
	return f, err
}

var errOneClass = errors.New("all rows are of one class; hold out more rows, or give rows of both")

// Named are the figures that rules may speak of, by name.
func (f Figures) Named() map[string]float64 {
	switch {
	case f.Binary != nil:
		all := map[string]float64{
			"auc": f.Binary.AUC, "accuracy": f.Binary.At.Accuracy(), "precision": f.Binary.At.Precision(), "recall": f.Binary.At.Recall(),
		}
		if f.Binary.LogLoss != nil {
			all["logloss"], all["calibration"] = *f.Binary.LogLoss, *f.Binary.Calibration
		}
		return all
	case f.Number != nil:
		return map[string]float64{"rmse": f.Number.RMSE, "mae": f.Number.MAE, "r2": f.Number.R2}
	}
	return nil
}

// Rising are the names of figures of which more is better.
func Rising() []string { return []string{"auc", "accuracy", "precision", "recall", "r2"} }

// Falling are the names of figures of which less is better.
func Falling() []string { return []string{"logloss", "calibration", "rmse", "mae"} }

// Main is the figure that models of one kind are compared by: name, value, and
// whether more is better.
func (f Figures) Main() (name string, value float64, rising bool) {
	if f.Binary != nil {
		return "auc", f.Binary.AUC, true
	}
	return "rmse", f.Number.RMSE, false
}
