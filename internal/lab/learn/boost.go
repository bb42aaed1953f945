package learn

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
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

// trainTrees grows one tree a round on the gradients of the margin so far.
func trainTrees(ctx context.Context, hyper map[string]string, train, validation *Table, log io.Writer) (Model, error) {
	p, err := readBoostParams(hyper)
	if err != nil {
		return nil, err
	}
	if err := checkLabels(train.Labels, isLogistic(p.objective)); err != nil {
		return nil, err
	}
	p.setBaseScore(train.Labels)
	b := newBooster(p, train, validation)
	for round := range p.rounds {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("training stopped after %d of %d rounds: %w", round, p.rounds, err)
		}
		b.grow()
		if b.report(log, round) {
			break
		}
	}
	return b.finish(), nil
}

// booster is the state of one training run.
type booster struct {
	p          boostParams
	train      *Table
	validation *Table
	model      *forest
	grower     *grower
	random     *rand.Rand

	margin, heldOut []float64 // per row of train and of validation
	g, h            []float64
	rows            []int32 // scratch: the sampled rows of a round
	features        []int32 // scratch: the sampled features of a round

	metric    metric
	best      float64
	bestRound int
}

func newBooster(p boostParams, train, validation *Table) *booster {
	n := train.Rows()
	b := &booster{
		p: p, train: train, validation: validation,
		model:  newForest(p.objective, p.baseScore, train.Width),
		grower: newGrower(p, binTable(train, p.maxBin)),
		random: rand.New(rand.NewPCG(p.seed, 0x9e3779b97f4a7c15)),
		margin: make([]float64, n), g: make([]float64, n), h: make([]float64, n),
		metric: metricNamed(p.metric, isLogistic(p.objective)), bestRound: -1,
	}
	fill(b.margin, b.model.bias)
	if validation != nil {
		b.heldOut = make([]float64, validation.Rows())
		fill(b.heldOut, b.model.bias)
	}
	return b
}

func fill(xs []float64, x float64) {
	for i := range xs {
		xs[i] = x
	}
}

// grow adds one tree.
func (b *booster) grow() {
	gradients(isLogistic(b.p.objective), b.p.positive, b.margin, b.train.Labels, b.g, b.h)
	tree := b.grower.tree(b.sampleRows(), b.sampleFeatures(), b.g, b.h)
	b.model.add(tree)
	last := len(b.model.roots) - 1
	for i := range b.margin {
		b.margin[i] += b.model.leaf(last, b.train.Row(i))
	}
	for i := range b.heldOut {
		b.heldOut[i] += b.model.leaf(last, b.validation.Row(i))
	}
}

func (b *booster) sampleRows() []int32 {
	b.rows = b.rows[:0]
	for i := range b.train.Rows() {
		if b.p.subsample < 1 && b.random.Float64() >= b.p.subsample {
			continue
		}
		b.rows = append(b.rows, int32(i))
	}
	return b.rows
}

// sampleFeatures picks the columns of one tree, at least one, in rising order.
func (b *booster) sampleFeatures() []int32 {
	b.features = b.features[:0]
	left := max(1, int(math.Round(b.p.colsample*float64(b.train.Width))))
	for f := range b.train.Width {
		rest := b.train.Width - f
		if left == rest || b.random.IntN(rest) < left {
			b.features = append(b.features, int32(f))
			left--
		}
		if left == 0 {
			break
		}
	}
	return b.features
}

// report logs the round's metric and says whether to stop early.
func (b *booster) report(log io.Writer, round int) bool {
	on := b.metric.of(b.margin, b.train.Labels)
	if b.validation == nil {
		fmt.Fprintf(log, "[%d]\ttrain-%s:%.5f\n", round, b.metric.name, on)
		return false
	}
	off := b.metric.of(b.heldOut, b.validation.Labels)
	fmt.Fprintf(log, "[%d]\ttrain-%s:%.5f\tvalidation-%s:%.5f\n", round, b.metric.name, on, b.metric.name, off)
	if b.bestRound < 0 || (b.metric.more && off > b.best) || (!b.metric.more && off < b.best) {
		b.best, b.bestRound = off, round
	}
	if b.p.earlyStopping == 0 || round-b.bestRound < b.p.earlyStopping {
		return false
	}
	fmt.Fprintf(log, "Stopping. Best iteration: [%d]\tvalidation-%s:%.5f\n", b.bestRound, b.metric.name, b.best)
	return true
}

// finish keeps the trees up to the best round when stopping early was asked for.
func (b *booster) finish() Model {
	if b.p.earlyStopping > 0 && b.bestRound >= 0 {
		b.model.keep(b.bestRound + 1)
	}
	return b.model
}
