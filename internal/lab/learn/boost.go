package learn

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
)

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
