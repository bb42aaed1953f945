package learn

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// The shape of XGBoost's JSON model file, as far as trees need it. Numbers in
// parameter blocks are text there.
type (
	fileLearner struct {
		Attributes   map[string]string `json:"attributes"`
		FeatureNames []string          `json:"feature_names"`
		FeatureTypes []string          `json:"feature_types"`
		Booster      fileBooster       `json:"gradient_booster"`
		Param        fileParam         `json:"learner_model_param"`
		Objective    fileObjective     `json:"objective"`
	}
	fileParam struct {
		BaseScore        string `json:"base_score"`
		BoostFromAverage string `json:"boost_from_average"`
		NumClass         string `json:"num_class"`
		NumFeature       string `json:"num_feature"`
		NumTarget        string `json:"num_target"`
	}
	fileObjective struct {
		Name string         `json:"name"`
		Loss map[string]any `json:"reg_loss_param,omitempty"`
	}
	fileBooster struct {
		Name    string       `json:"name"`
		Model   fileTrees    `json:"model"`
		Within  *fileBooster `json:"gbtree,omitempty"`      // of dart
		Weights []float64    `json:"weight_drop,omitempty"` // of dart, one a tree
	}
	fileTrees struct {
		Param struct {
			ParallelTrees string `json:"num_parallel_tree"`
			Trees         string `json:"num_trees"`
		} `json:"gbtree_model_param"`
		Iterations []int      `json:"iteration_indptr"`
		Info       []int      `json:"tree_info"`
		Trees      []fileTree `json:"trees"`
	}
	fileTree struct {
		ID                 int       `json:"id"`
		BaseWeights        reals     `json:"base_weights"`
		Categories         []int     `json:"categories"`
		CategoriesNodes    []int     `json:"categories_nodes"`
		CategoriesSegments []int     `json:"categories_segments"`
		CategoriesSizes    []int     `json:"categories_sizes"`
		DefaultLeft        []any     `json:"default_left"` // 0 and 1, or false and true in older files
		Left               []int32   `json:"left_children"`
		Right              []int32   `json:"right_children"`
		Parents            []int32   `json:"parents"`
		Gains              reals     `json:"loss_changes"`
		Conditions         reals     `json:"split_conditions"`
		Features           []int32   `json:"split_indices"`
		Types              []int     `json:"split_type"`
		Covers             reals     `json:"sum_hessian"`
		Param              fileShape `json:"tree_param"`
	}
	fileShape struct {
		Deleted  string `json:"num_deleted"`
		Features string `json:"num_feature"`
		Nodes    string `json:"num_nodes"`
		LeafSize string `json:"size_leaf_vector"`
	}
)

// reals are numbers that XGBoost reads only when they look fractional: 1E+00, not 1.
type reals []float32

// MarshalJSON gives every number an exponent.
func (xs reals) MarshalJSON() ([]byte, error) {
	b := []byte{'['}
	for i, x := range xs {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendFloat(b, float64(x), 'E', -1, 32)
	}
	return append(b, ']'), nil
}

// noParent is XGBoost's parent of a root.
const noParent = math.MaxInt32

// loadTrees reads the learner block of XGBoost's JSON; file is all of it, third
// says that XGBoost 3 or later wrote it.
func loadTrees(raw json.RawMessage, file []byte, third bool) (Model, error) {
	var l fileLearner
	if err := json.Unmarshal(raw, &l); err != nil {
		return nil, fmt.Errorf("model file: learner: %w", err)
	}
	f, err := l.forest(file)
	if err != nil {
		return nil, fmt.Errorf("model file: %w", err)
	}
	if third && f.objective == binaryLogitRaw { // its base_score is a margin since
		f.bias = f.base
	}
	for i, t := range l.Booster.Model.Trees {
		if n, err := strconv.Atoi(t.Param.LeafSize); err == nil && n > 1 {
			return nil, fmt.Errorf("model file: tree %d: leaves of %d answers are not supported; train with multi_strategy one_output_per_tree", i, n)
		}
		tree, err := t.nodes(f.features)
		if err != nil {
			return nil, fmt.Errorf("model file: tree %d: %w", i, err)
		}
		f.add(tree)
	}
	return f, nil
}

// forest is the model without its trees.
func (l *fileLearner) forest(file []byte) (*forest, error) {
	if l.Booster.Name == "dart" && l.Booster.Within != nil {
		l.Booster.Name, l.Booster.Model = l.Booster.Within.Name, l.Booster.Within.Model
	}
	objective := l.Objective.Name
	switch {
	case l.Booster.Name == "dart":
		return nil, errors.New("booster dart has no gbtree inside; save it with XGBoost 1.3 or later")
	case l.Booster.Name != "gbtree":
		return nil, fmt.Errorf("booster %q is not supported; train with booster gbtree or dart", l.Booster.Name)
	case links[objective] == unknownLink:
		return nil, fmt.Errorf("objective %q is not supported; use one of %s", objective, strings.Join(slices.Sorted(maps.Keys(links)), ", "))
	case l.Param.NumTarget != "" && l.Param.NumTarget != "0" && l.Param.NumTarget != "1":
		return nil, fmt.Errorf("num_target %.20q: only models with one label a row are supported", l.Param.NumTarget)
	}
	features, err := strconv.Atoi(l.Param.NumFeature)
	if err != nil || features < 1 || features > MaxColumns {
		return nil, fmt.Errorf("num_feature %.20q is not a whole number from 1 to %d", l.Param.NumFeature, MaxColumns)
	}
	bases, err := l.bases()
	if err != nil {
		return nil, err
	}
	f := newForest(objective, bases[0], features)
	f.file = file
	if links[objective] == perClass {
		if err := f.setClasses(l, bases); err != nil {
			return nil, err
		}
	}
	if f.weights = l.Booster.Weights; f.weights != nil && len(f.weights) != len(l.Booster.Model.Trees) {
		return nil, fmt.Errorf("weight_drop has %d entries for %d trees", len(f.weights), len(l.Booster.Model.Trees))
	}
	return f, nil
}

// bases is base_score: a number, or as XGBoost 3 writes it a list of one or of one per class.
func (l *fileLearner) bases() ([]float64, error) {
	var bases []float64
	for text := range strings.SplitSeq(strings.Trim(l.Param.BaseScore, "[]"), ",") {
		base, err := strconv.ParseFloat(strings.TrimSpace(text), 32)
		if err != nil || !fitsBase(l.Objective.Name, base) {
			return nil, fmt.Errorf("base_score %.40q does not fit objective %s", l.Param.BaseScore, l.Objective.Name)
		}
		bases = append(bases, base)
	}
	if len(bases) > 1 && links[l.Objective.Name] != perClass {
		return nil, fmt.Errorf("base_score %.40q has %d numbers, objective %s takes one", l.Param.BaseScore, len(bases), l.Objective.Name)
	}
	return bases, nil
}

// maxClasses bounds what an answer holds.
const maxClasses = 10_000

// setClasses reads which tree is of which class.
func (f *forest) setClasses(l *fileLearner, bases []float64) error {
	n, err := strconv.Atoi(l.Param.NumClass)
	if err != nil || n < 2 || n > maxClasses {
		return fmt.Errorf("num_class %.20q is not a whole number from 2 to %d", l.Param.NumClass, maxClasses)
	}
	if len(bases) != 1 && len(bases) != n {
		return fmt.Errorf("base_score %.40q has %d numbers for %d classes", l.Param.BaseScore, len(bases), n)
	}
	f.classes, f.class = n, l.Booster.Model.Info
	if len(f.class) != len(l.Booster.Model.Trees) {
		return fmt.Errorf("tree_info has %d entries for %d trees", len(f.class), len(l.Booster.Model.Trees))
	}
	for i, class := range f.class {
		if class < 0 || class >= n {
			return fmt.Errorf("tree %d is of class %d of %d", i, class, n)
		}
	}
	for i := range n {
		f.biases = append(f.biases, bases[i%len(bases)])
	}
	return nil
}

// nodes renumbers the tree breadth first, so that a right child follows its
// left one, and checks every index on the way.
func (t *fileTree) nodes(features int) ([]treeNode, error) {
	n := len(t.Left)
	if n == 0 || len(t.Right) != n || len(t.Conditions) != n || len(t.Features) != n || len(t.DefaultLeft) != n {
		return nil, fmt.Errorf("its arrays differ in length; left_children has %d entries", n)
	}
	sets, err := t.sets()
	if err != nil {
		return nil, err
	}
	tree := make([]treeNode, 1, n)
	old, seen := []int32{0}, make([]bool, n)
	seen[0] = true
	for at := 0; at < len(old); at++ {
		from := old[at]
		node, err := t.node(from, features, sets)
		if err != nil {
			return nil, err
		}
		if node.feature != leafMark {
			node.left = int32(len(tree))
			for _, child := range [2]int32{t.Left[from], t.Right[from]} {
				if child <= 0 || int(child) >= n || seen[child] {
					return nil, fmt.Errorf("node %d has child %d, which is not a node of its own", from, child)
				}
				seen[child] = true
				old, tree = append(old, child), append(tree, treeNode{})
			}
		}
		tree[at] = node
	}
	return tree, nil
}

// node reads one node without its children.
func (t *fileTree) node(i int32, features int, sets map[int]bits) (treeNode, error) {
	node := treeNode{
		feature: leafMark, value: t.Conditions[i],
		weight: at(t.BaseWeights, i), gain: at(t.Gains, i), cover: at(t.Covers, i),
	}
	if t.Left[i] == -1 {
		return node, nil
	}
	if int(i) < len(t.Types) && t.Types[i] != 0 {
		if node.categories = sets[int(i)]; node.categories == nil {
			return node, fmt.Errorf("node %d splits by category and has none", i)
		}
	}
	if node.feature = t.Features[i]; node.feature < 0 || int(node.feature) >= features {
		return node, fmt.Errorf("node %d asks feature %d of %d", i, node.feature, features)
	}
	switch v := t.DefaultLeft[i].(type) {
	case bool:
		node.defaultLeft = v
	case float64:
		node.defaultLeft = v != 0
	}
	return node, nil
}

// sets are the categories that go right, by node.
func (t *fileTree) sets() (map[int]bits, error) {
	if len(t.CategoriesNodes) != len(t.CategoriesSegments) || len(t.CategoriesNodes) != len(t.CategoriesSizes) {
		return nil, fmt.Errorf("its %d nodes with categories have %d segments of %d sizes", len(t.CategoriesNodes), len(t.CategoriesSegments), len(t.CategoriesSizes))
	}
	sets := map[int]bits{}
	for i, node := range t.CategoriesNodes {
		from, size := t.CategoriesSegments[i], t.CategoriesSizes[i]
		if from < 0 || size < 0 || from > len(t.Categories) || size > len(t.Categories)-from {
			return nil, fmt.Errorf("the categories of node %d are %d from %d on, of %d", node, size, from, len(t.Categories))
		}
		of := t.Categories[from : from+size]
		if slices.ContainsFunc(of, func(c int) bool { return c < 0 || c >= maxSavedCategory }) {
			return nil, fmt.Errorf("node %d has a category that is not from 0 to %d", node, maxSavedCategory-1)
		}
		sets[node] = setOf(of)
	}
	return sets, nil
}

// maxSavedCategory bounds what the sets of a damaged file may hold in memory.
const maxSavedCategory = 1 << 20

// at is xs[i], or 0 where a file leaves the array out.
func at(xs reals, i int32) float32 {
	if int(i) < len(xs) {
		return xs[i]
	}
	return 0
}
