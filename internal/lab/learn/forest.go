package learn

import "math"

// leafMark in treeNode.feature says that the node is a leaf.
const leafMark = -1

// treeNode is one node as it is grown and stored.
type treeNode struct {
	feature     int32   // leafMark: it is a leaf
	left        int32   // index within the tree; right is left+1
	value       float32 // of a split: go left when x < value; of a leaf: what it adds
	defaultLeft bool    // where a missing value goes

	gain, cover, weight float32 // for the file only
}

// step is one node as Predict walks it: 12 bytes, five to a cache line.
type step struct {
	value   float32
	feature int32 // leafMark: leaf
	left    int32 // of the whole forest, times 2, plus 1 when missing goes left
}

// forest is boosted trees.
type forest struct {
	objective string
	base      float64 // base score as the file has it
	bias      float64 // the same as a margin
	features  int

	trees [][]treeNode
	steps []step
	roots []int32
}

func newForest(objective string, base float64, features int) *forest {
	f := &forest{objective: objective, base: base, bias: base, features: features}
	if isLogistic(objective) {
		f.bias = logit(base)
	}
	return f
}

// add appends a tree.
func (f *forest) add(tree []treeNode) {
	root := int32(len(f.steps))
	f.trees, f.roots = append(f.trees, tree), append(f.roots, root)
	for _, n := range tree {
		s := step{value: n.value, feature: n.feature}
		if n.feature != leafMark {
			s.left = (root + n.left) * 2
			if n.defaultLeft {
				s.left++
			}
		}
		f.steps = append(f.steps, s)
	}
}

// keep drops the trees from n on.
func (f *forest) keep(n int) {
	if n >= len(f.trees) {
		return
	}
	f.steps = f.steps[:f.roots[n]]
	f.trees, f.roots = f.trees[:n], f.roots[:n]
}

// Features is how many columns a row has.
func (f *forest) Features() int { return f.features }

// Predict gives the sum of the trees, as a probability where the objective is one.
func (f *forest) Predict(row []float64) float64 {
	margin := f.bias
	for tree := range f.roots {
		margin += f.leaf(tree, row)
	}
	if isProbability(f.objective) {
		return sigmoid(margin)
	}
	return margin
}

// leaf is what one tree adds for a row. Numbers are compared as float32, as
// XGBoost does, so that both answer the same at a threshold.
func (f *forest) leaf(tree int, row []float64) float64 {
	s := f.steps[f.roots[tree]]
	for s.feature != leafMark {
		at := s.left >> 1
		x := math.NaN()
		if int(s.feature) < len(row) {
			x = row[s.feature]
		}
		switch {
		case x != x: // missing
			at += 1 - s.left&1
		case !(float32(x) < s.value):
			at++
		}
		s = f.steps[at]
	}
	return float64(s.value)
}
