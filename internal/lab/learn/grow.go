package learn

import "math"

// sums are the gradient and hessian of some rows.
type sums struct{ g, h float64 }

func (s sums) plus(o sums) sums  { return sums{s.g + o.g, s.h + o.h} }
func (s sums) minus(o sums) sums { return sums{s.g - o.g, s.h - o.h} }

const binSlots = missingBin + 1 // slots of one feature in a histogram; the last is missing

// minGain is the least gain of a split, as in XGBoost: less is rounding.
const minGain = 1e-6

// grower grows trees over one binned table, level by level.
type grower struct {
	p    boostParams
	bins *bins
	free [][]sums // histograms to use again
}

// split is the best way found to divide a node's rows.
type split struct {
	gain        float64
	feature     int32
	bin         uint8 // rows up to this bin go left
	defaultLeft bool  // where missing values go
	left, right sums
}

// work is a node that may still be split.
type work struct {
	node  int32
	rows  []int32
	total sums
	hist  []sums // slots of the sampled features one after the other
}

func newGrower(p boostParams, b *bins) *grower { return &grower{p: p, bins: b} }

// tree grows one tree on the given rows and features; it reorders rows.
func (gr *grower) tree(rows, features []int32, g, h []float64) []treeNode {
	root := work{rows: rows, hist: gr.histogram(features)}
	gr.collect(root.hist, rows, features, g, h)
	for _, i := range rows {
		root.total = root.total.plus(sums{g[i], h[i]})
	}
	nodes := []treeNode{gr.leafNode(root.total)}
	level := []work{root}
	for depth := 0; depth < gr.p.maxDepth && len(level) > 0; depth++ {
		var next []work
		for _, w := range level {
			best := gr.best(w, features)
			if best.gain <= max(minGain, gr.p.gamma) {
				gr.free = append(gr.free, w.hist)
				continue
			}
			nodes = gr.divide(nodes, w.node, best)
			left, right := gr.children(w, best, nodes[w.node].left, features)
			if depth+1 < gr.p.maxDepth {
				gr.fillChildren(w, &left, &right, features, g, h)
				next = append(next, left, right)
			} else {
				gr.free = append(gr.free, w.hist)
			}
		}
		level = next
	}
	for _, w := range level {
		gr.free = append(gr.free, w.hist)
	}
	return nodes
}

// leafNode is a node that answers with the sums' best weight.
func (gr *grower) leafNode(s sums) treeNode {
	weight := -shrink(s.g, gr.p.alpha) / (s.h + gr.p.lambda)
	if s.h+gr.p.lambda <= 0 {
		weight = 0
	}
	return treeNode{feature: leafMark, value: float32(weight * gr.p.eta), weight: float32(weight), cover: float32(s.h)}
}

// divide turns leaf at into a split and appends its two children.
func (gr *grower) divide(nodes []treeNode, at int32, s split) []treeNode {
	n := &nodes[at]
	n.feature, n.value = s.feature, gr.bins.cuts[s.feature][s.bin]
	n.defaultLeft, n.gain = s.defaultLeft, float32(s.gain)
	n.left = int32(len(nodes))
	return append(nodes, gr.leafNode(s.left), gr.leafNode(s.right))
}

// children divides the node's rows in place: the left ones come first.
func (gr *grower) children(w work, s split, left int32, features []int32) (work, work) {
	of, rows := gr.bins.of[s.feature], w.rows
	goesLeft := func(i int32) bool {
		if of[i] == missingBin {
			return s.defaultLeft
		}
		return of[i] <= s.bin
	}
	at, spill := 0, make([]int32, 0, len(rows)) // stable, so that sums do not depend on the path
	for _, i := range rows {
		if goesLeft(i) {
			rows[at] = i
			at++
		} else {
			spill = append(spill, i)
		}
	}
	copy(rows[at:], spill)
	return work{node: left, rows: rows[:at], total: s.left}, work{node: left + 1, rows: rows[at:], total: s.right}
}

// fillChildren reads only the smaller child's rows; the larger one's histogram
// is the parent's less the smaller one's, in the parent's memory.
func (gr *grower) fillChildren(parent work, left, right *work, features []int32, g, h []float64) {
	small, large := left, right
	if len(right.rows) < len(left.rows) {
		small, large = right, left
	}
	small.hist, large.hist = gr.histogram(features), parent.hist
	gr.collect(small.hist, small.rows, features, g, h)
	for i := range large.hist {
		large.hist[i] = large.hist[i].minus(small.hist[i])
	}
}

// histogram gives an empty histogram for the features.
func (gr *grower) histogram(features []int32) []sums {
	size := len(features) * binSlots
	if n := len(gr.free); n > 0 && cap(gr.free[n-1]) >= size {
		hist := gr.free[n-1][:size]
		gr.free = gr.free[:n-1]
		clear(hist)
		return hist
	}
	return make([]sums, size)
}

func (gr *grower) collect(hist []sums, rows, features []int32, g, h []float64) {
	for k, f := range features {
		slots := (*[binSlots]sums)(hist[k*binSlots:])
		of := gr.bins.of[f]
		for _, i := range rows {
			s := &slots[of[i]]
			s.g += g[i]
			s.h += h[i]
		}
	}
}

// best finds the split with the greatest gain; of equals the first wins.
func (gr *grower) best(w work, features []int32) split {
	var best split
	before := gr.score(w.total)
	for k, f := range features {
		slots := (*[binSlots]sums)(w.hist[k*binSlots:])
		missing := slots[missingBin]
		var left sums
		for bin := range gr.bins.cuts[f] {
			left = left.plus(slots[bin])
			right := w.total.minus(left)
			// the missing ones go right, or, when there are any, left
			gr.consider(&best, split{feature: f, bin: uint8(bin), left: left, right: right}, before)
			if missing.h != 0 {
				gr.consider(&best, split{feature: f, bin: uint8(bin), defaultLeft: true,
					left: left.plus(missing), right: right.minus(missing)}, before)
			}
		}
	}
	return best
}

func (gr *grower) consider(best *split, s split, before float64) {
	if s.left.h < gr.p.minChildWeight || s.right.h < gr.p.minChildWeight || s.left.h <= 0 || s.right.h <= 0 {
		return
	}
	s.gain = gr.score(s.left) + gr.score(s.right) - before
	if s.gain > best.gain {
		*best = s
	}
}

// score is twice what the best weight for the rows takes off the loss.
func (gr *grower) score(s sums) float64 {
	g := shrink(s.g, gr.p.alpha)
	return g * g / (s.h + gr.p.lambda)
}

// shrink is the soft threshold of the L1 penalty.
func shrink(g, alpha float64) float64 {
	if alpha == 0 {
		return g
	}
	return math.Copysign(max(math.Abs(g)-alpha, 0), g)
}
