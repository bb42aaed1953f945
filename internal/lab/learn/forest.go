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
	categories  bits    // of a split by category: those that go right; else nil

	gain, cover, weight float32 // for the file only
}

// step is one node as Predict walks it: 12 bytes, five to a cache line.
type step struct {
	value   float32 // of a split by category: which of the forest's sets goes right
	feature int32   // leafMark: leaf
	left    int32   // of the whole forest, times 4, plus the marks
}

// The marks in step.left.
const (
	missingLeft = 1 // a missing value goes left
	byCategory  = 2
)

// forest is boosted trees.
type forest struct {
	objective string
	base      float64 // base score as the file has it
	bias      float64 // the same as a margin
	features  int

	trees [][]treeNode
	steps []step
	roots []int32

	// Of models that were trained elsewhere only.
	file    []byte    // as it was read, to be written again; nil: Write makes it
	classes int       // 0: one answer
	class   []int     // of each tree
	biases  []float64 // of each class
	weights []float64 // of each tree, of booster dart
	sets    []bits    // of categories
}

func newForest(objective string, base float64, features int) *forest {
	return &forest{objective: objective, base: base, bias: asMargin(objective, base), features: features}
}

// add appends a tree.
func (f *forest) add(tree []treeNode) {
	root := int32(len(f.steps))
	f.trees, f.roots = append(f.trees, tree), append(f.roots, root)
	for _, n := range tree {
		s := step{value: n.value, feature: n.feature}
		if n.feature != leafMark {
			s.left = (root + n.left) * 4
			if n.defaultLeft {
				s.left |= missingLeft
			}
			if n.categories != nil {
				s.left |= byCategory
				s.value = float32(len(f.sets))
				f.sets = append(f.sets, n.categories)
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

// Predict gives the sum of the trees in the terms of the objective; of a model
// with several classes the one that is most likely.
func (f *forest) Predict(row []float64) float64 {
	if f.classes > 0 {
		var few [16]float64
		return float64(greatest(f.margins(row, few[:0])))
	}
	margin := f.bias
	for tree := range f.roots {
		margin += f.leaf(tree, row)
	}
	return answer(f.objective, margin)
}

// Classes is how many probabilities an answer has; 0: it is one number.
func (f *forest) Classes() int {
	if f.objective == softProbability {
		return f.classes
	}
	return 0
}

// Probabilities gives that of each class.
func (f *forest) Probabilities(row []float64, into []float64) []float64 {
	return softmax(f.margins(row, into))
}

// margins appends those of each class.
func (f *forest) margins(row []float64, into []float64) []float64 {
	into = append(into, f.biases...)
	for tree := range f.roots {
		into[f.class[tree]] += f.leaf(tree, row)
	}
	return into
}

// leaf is what one tree adds for a row. Numbers are compared as float32, as
// XGBoost does, so that both answer the same at a threshold.
func (f *forest) leaf(tree int, row []float64) float64 {
	s := f.steps[f.roots[tree]]
	for s.feature != leafMark {
		at := s.left >> 2
		x := math.NaN()
		if int(s.feature) < len(row) {
			x = row[s.feature]
		}
		switch {
		case x != x: // missing
			at += 1 - s.left&missingLeft
		case s.left&byCategory != 0:
			if f.sets[int(s.value)].has(x) {
				at++
			}
		case !(float32(x) < s.value):
			at++
		}
		s = f.steps[at]
	}
	if f.weights != nil {
		return float64(s.value) * f.weights[tree]
	}
	return float64(s.value)
}
