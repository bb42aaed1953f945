package learn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
)

// linearParams are the linear learner's hyperparameters, by the AWS names.
type linearParams struct {
	logistic   bool
	featureDim int
	epochs     int     // most Newton steps
	decay      float64 // L2 penalty per row
	positive   float64 // weight of label 1
}

// withoutEffect are names of the AWS algorithm that steer its stochastic
// search. The fit here is exact, so they are taken, logged and have no effect.
var withoutEffect = [...]string{
	"mini_batch_size", "learning_rate", "optimizer", "num_models", "num_calibration_samples", "init_method", "use_bias",
	"normalize_data", "normalize_label", "early_stopping_patience", "early_stopping_tolerance",
}

func readLinearParams(hyper map[string]string, log io.Writer) (linearParams, error) {
	h := readHyper(LinearLearner, hyper)
	kind := h.oneOf("", "predictor_type", "binary_classifier", "regressor")
	if kind == "" && len(h.problems) == 0 {
		h.problems = append(h.problems, errors.New("hyperparameter predictor_type is missing; use binary_classifier or regressor"))
	}
	p := linearParams{
		logistic:   kind == "binary_classifier",
		featureDim: h.whole(0, 1, MaxColumns, "feature_dim"),
		epochs:     h.whole(25, 1, 10_000, "epochs"),
		decay:      h.number(1e-4, 0, anyNumber, "wd"),
		positive:   h.number(1, 1e-9, anyNumber, "positive_example_weight_mult"),
	}
	for _, name := range withoutEffect {
		if text, ok := h.take(name); ok {
			fmt.Fprintf(log, "hyperparameter %s=%.40s has no effect: this linear learner is solved exactly\n", name, text)
		}
	}
	return p, h.err()
}

// linear is a weighted sum, through the sigmoid for classification. A missing
// value counts as the mean of its column.
type linear struct {
	Logistic bool      `json:"logistic"`
	Bias     float64   `json:"bias"`
	Weights  []float64 `json:"weights"`
	Means    []float64 `json:"means"`
}

// Features is how many columns a row has.
func (l *linear) Features() int { return len(l.Weights) }

// Predict gives the probability of label 1, or the value.
func (l *linear) Predict(row []float64) float64 {
	sum := l.Bias
	for j, w := range l.Weights {
		x := l.Means[j]
		if j < len(row) && row[j] == row[j] {
			x = row[j]
		}
		sum += w * x
	}
	if l.Logistic {
		return sigmoid(sum)
	}
	return sum
}

// Write writes the weights as JSON.
func (l *linear) Write(w io.Writer) error {
	return json.NewEncoder(w).Encode(map[string]any{"linear_learner": l, "version": 1})
}

func loadLinear(raw json.RawMessage) (Model, error) {
	l := &linear{}
	if err := json.Unmarshal(raw, l); err != nil {
		return nil, fmt.Errorf("model file: linear_learner: %w", err)
	}
	if n := len(l.Weights); n == 0 || n > MaxColumns || len(l.Means) != n {
		return nil, fmt.Errorf("model file: linear_learner has %d weights and %d means; both must be one per feature", len(l.Weights), len(l.Means))
	}
	return l, nil
}

// trainLinear takes Newton's steps on the standardised columns until they no
// longer matter: one for squared loss, a handful for logistic loss.
func trainLinear(ctx context.Context, hyper map[string]string, train, validation *Table, log io.Writer) (Model, error) {
	p, err := readLinearParams(hyper, log)
	if err != nil {
		return nil, err
	}
	if p.featureDim != 0 && p.featureDim != train.Width {
		return nil, fmt.Errorf("hyperparameter feature_dim: %d, but the rows have %d features", p.featureDim, train.Width)
	}
	if err := checkLabels(train.Labels, p.logistic); err != nil {
		return nil, err
	}
	s := newNewton(p, train)
	for epoch := range p.epochs {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("training stopped after %d epochs: %w", epoch, err)
		}
		moved := s.step()
		s.report(log, epoch, validation)
		if moved < 1e-8 {
			break
		}
	}
	return s.finish()
}

// finish refuses a fit that overflowed.
func (s *newton) finish() (Model, error) {
	m := s.model()
	for j, w := range append(m.Weights[:len(m.Weights):len(m.Weights)], m.Bias) {
		if math.IsNaN(w) || math.IsInf(w, 0) {
			return nil, fmt.Errorf("feature column %d: the fit does not converge; scale its values to a smaller range", j+1)
		}
	}
	return m, nil
}

// report logs one line with the loss on what is known.
func (s *newton) report(log io.Writer, epoch int, validation *Table) {
	m := s.model()
	fmt.Fprintf(log, "#quality_metric: host=algo-1, epoch=%d, train %s <loss>=%.6f\n", epoch, s.lossName(), s.loss(m, s.train))
	if validation != nil {
		fmt.Fprintf(log, "#quality_metric: host=algo-1, epoch=%d, validation %s <loss>=%.6f\n", epoch, s.lossName(), s.loss(m, validation))
	}
}

func (s *newton) lossName() string {
	if s.p.logistic {
		return "binary_classification_cross_entropy_objective"
	}
	return "mse_objective"
}

func (s *newton) loss(m *linear, t *Table) float64 {
	sum := 0.0
	for i, y := range t.Labels {
		a := m.Predict(t.Row(i))
		if s.p.logistic {
			a = min(max(a, probabilityFloor), 1-probabilityFloor)
			sum -= y*math.Log(a) + (1-y)*math.Log(1-a)
		} else {
			sum += (a - y) * (a - y)
		}
	}
	return sum / float64(len(t.Labels))
}
