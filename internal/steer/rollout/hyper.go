package rollout

import (
	"maps"

	"betimes/internal/steer/rollout/quality"
)

// settled are the hyperparameters with what a built-in algorithm needs: AWS has
// no defaults for these.
func (c TrainConfig) settled(kind string) map[string]string {
	var needed map[string]string
	switch {
	case c.Algorithm == xgboost && kind == quality.Classes:
		needed = map[string]string{"num_round": "100", "objective": "binary:logistic"}
	case c.Algorithm == xgboost:
		needed = map[string]string{"num_round": "100", "objective": "reg:squarederror"}
	case c.Algorithm == linearLearner && kind == quality.Classes:
		needed = map[string]string{"predictor_type": "binary_classifier"}
	case c.Algorithm == linearLearner:
		needed = map[string]string{"predictor_type": "regressor"}
	}
	if needed == nil {
		return c.Hyperparameters
	}
	maps.Copy(needed, c.Hyperparameters)
	return needed
}

// kind tells classes from numbers by the labels.
func (t *table) kind() string {
	labels, _ := part{csv: t.csv}.values()
	return quality.KindOf(labels)
}
