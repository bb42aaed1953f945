package learn

import (
	"fmt"
	"math"
)

// boostParams are the hyperparameters of boosted trees, with XGBoost's names
// and defaults.
type boostParams struct {
	rounds, maxDepth, maxBin, earlyStopping   int
	eta, lambda, alpha, gamma, minChildWeight float64
	subsample, colsample, positive, baseScore float64
	objective                                 string
	metric                                    string
	seed                                      uint64
}

const (
	anyNumber  = math.MaxFloat64
	maxTreeCap = 20 // depth; a tree of this depth already has a million leaves
)

func readBoostParams(hyper map[string]string) (boostParams, error) {
	h := readHyper(XGBoost, hyper)
	p := boostParams{
		rounds:         h.whole(100, 1, 100_000, "num_round", "num_boost_round"),
		maxDepth:       h.whole(6, 1, maxTreeCap, "max_depth"),
		maxBin:         h.whole(maxBins, 2, maxBins, "max_bin"),
		earlyStopping:  h.whole(0, 1, 100_000, "early_stopping_rounds"),
		eta:            h.number(0.3, 0, 1, "eta", "learning_rate"),
		lambda:         h.number(1, 0, anyNumber, "lambda", "reg_lambda"),
		alpha:          h.number(0, 0, anyNumber, "alpha", "reg_alpha"),
		gamma:          h.number(0, 0, anyNumber, "gamma", "min_split_loss"),
		minChildWeight: h.number(1, 0, anyNumber, "min_child_weight"),
		subsample:      h.number(1, 1e-3, 1, "subsample"),
		colsample:      h.number(1, 1e-3, 1, "colsample_bytree"),
		positive:       h.number(1, 1e-9, anyNumber, "scale_pos_weight"),
		baseScore:      h.number(math.NaN(), -anyNumber, anyNumber, "base_score"),
		objective:      h.oneOf(regSquaredError, "objective", binaryLogistic, regLogistic, binaryLogitRaw, regSquaredError),
		seed:           uint64(h.whole(0, 0, math.MaxInt, "seed")),
	}
	p.metric = h.oneOf(p.defaultMetric(), "eval_metric", "auc", "logloss", "error", "rmse", "mae")
	h.oneOf("hist", "tree_method", "auto", "hist")
	h.oneOf("gbtree", "booster", "gbtree")
	if isLogistic(p.objective) && (p.baseScore <= 0 || p.baseScore >= 1) {
		h.problems = append(h.problems, fmt.Errorf("hyperparameter base_score: %g is not a probability between 0 and 1", p.baseScore))
	}
	return p, h.err()
}

func (p *boostParams) defaultMetric() string {
	if p.objective == binaryLogistic || p.objective == binaryLogitRaw {
		return "logloss"
	}
	return "rmse"
}

// setBaseScore estimates the base score from the labels where none was given.
// It is rounded as the file keeps it, so that a loaded model answers the same.
func (p *boostParams) setBaseScore(labels []float64) {
	if !math.IsNaN(p.baseScore) {
		p.baseScore = float64(float32(p.baseScore))
		return
	}
	sum, weight := 0.0, 0.0
	for _, y := range labels {
		w := 1.0
		if y == 1 && isLogistic(p.objective) {
			w = p.positive
		}
		sum += w * y
		weight += w
	}
	p.baseScore = sum / weight
	if isLogistic(p.objective) {
		p.baseScore = min(max(p.baseScore, 1e-6), 1-1e-6)
	}
	p.baseScore = float64(float32(p.baseScore))
}
