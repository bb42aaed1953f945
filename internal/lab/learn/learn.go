package learn

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// The algorithms that Train knows.
const (
	XGBoost       = "xgboost"
	LinearLearner = "linear-learner"
)

// Model answers one row at a time.
type Model interface {
	// Predict gives the probability of label 1 (classification) or the value
	// (regression) for a row. Columns beyond the row count as missing, columns
	// beyond Features are not looked at.
	Predict(row []float64) float64
	// Features is how many columns a row has.
	Features() int
	// Write writes the model file that Load reads.
	Write(w io.Writer) error
}

// Train fits a model of the named algorithm. validation may be nil. Each
// round's metric goes to log as a line, in the form of the algorithm's AWS
// container. An unknown hyperparameter, or a value out of its range, is an
// error that names it; an ended ctx stops between rounds.
func Train(ctx context.Context, algorithm string, hyper map[string]string, train, validation *Table, log io.Writer) (Model, error) {
	if err := checkTables(train, validation); err != nil {
		return nil, err
	}
	switch algorithm {
	case XGBoost:
		return trainTrees(ctx, hyper, train, validation, log)
	case LinearLearner:
		return trainLinear(ctx, hyper, train, validation, log)
	}
	return nil, fmt.Errorf("algorithm %q is not built in; use %s or %s", algorithm, XGBoost, LinearLearner)
}

func checkTables(train, validation *Table) error {
	if train == nil || train.Rows() == 0 {
		return errors.New("the training table has no rows")
	}
	if train.Labels == nil {
		return errors.New("the training table has no labels; the first column must be the label")
	}
	if validation == nil {
		return nil
	}
	if validation.Labels == nil || validation.Rows() == 0 {
		return errors.New("the validation table has no labelled rows")
	}
	if validation.Width != train.Width {
		return fmt.Errorf("the validation table has %d features, the training table %d; give both the same columns",
			validation.Width, train.Width)
	}
	return nil
}

// Load reads a model file: XGBoost's JSON or UBJSON, LightGBM's text or the linear learner's.
func Load(r io.Reader) (Model, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("model file: %w", err)
	}
	if bytes.HasPrefix(data, []byte(lightMagic)) {
		return loadLightGBM(data)
	}
	if isUBJSON(data) {
		if data, err = ubjsonToJSON(data); err != nil {
			return nil, fmt.Errorf("model file: %w", err)
		}
	}
	var top struct {
		Learner *json.RawMessage `json:"learner"`
		Linear  *json.RawMessage `json:"linear_learner"`
		Version json.RawMessage  `json:"version"`
	}
	if err := json.Unmarshal(data, &top); err != nil {
		return nil, fmt.Errorf("model file is neither JSON nor LightGBM text (save XGBoost models as .json or .ubj, LightGBM models as .txt): %w", err)
	}
	switch {
	case top.Learner != nil:
		return loadTrees(*top.Learner, data, isThird(top.Version))
	case top.Linear != nil:
		return loadLinear(*top.Linear)
	}
	return nil, errors.New("model file has neither learner (XGBoost JSON) nor linear_learner at its top")
}

// isThird says whether a version, such as [3,2,0], is of XGBoost 3 or later.
func isThird(version json.RawMessage) bool {
	var parts []int
	return json.Unmarshal(version, &parts) == nil && len(parts) > 0 && parts[0] >= 3
}
