package learn

import (
	"encoding/json"
	"fmt"
	"math"
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
		Name  string    `json:"name"`
		Model fileTrees `json:"model"`
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

// loadTrees reads the learner block of XGBoost's JSON.
func loadTrees(raw json.RawMessage) (Model, error) {
	var l fileLearner
	if err := json.Unmarshal(raw, &l); err != nil {
		return nil, fmt.Errorf("model file: learner: %w", err)
	}
	if l.Booster.Name != "gbtree" {
		return nil, fmt.Errorf("model file: booster %q is not supported; train with booster gbtree", l.Booster.Name)
	}
	if !isLogistic(l.Objective.Name) && l.Objective.Name != regSquaredError {
		return nil, fmt.Errorf("model file: objective %q is not supported; use %s, %s, %s or %s",
			l.Objective.Name, binaryLogistic, regLogistic, binaryLogitRaw, regSquaredError)
	}
	features, err := strconv.Atoi(l.Param.NumFeature)
	if err != nil || features < 1 || features > MaxColumns {
		return nil, fmt.Errorf("model file: num_feature %.20q is not a whole number from 1 to %d", l.Param.NumFeature, MaxColumns)
	}
	base, err := strconv.ParseFloat(strings.Trim(l.Param.BaseScore, "[]"), 32) // XGBoost 3 writes a list of one
	if err != nil || (isLogistic(l.Objective.Name) && !(base > 0 && base < 1)) || math.IsNaN(base) || math.IsInf(base, 0) {
		return nil, fmt.Errorf("model file: base_score %.40q does not fit objective %s", l.Param.BaseScore, l.Objective.Name)
	}
	f := newForest(l.Objective.Name, base, features)
	for i, t := range l.Booster.Model.Trees {
		tree, err := t.nodes(features)
		if err != nil {
			return nil, fmt.Errorf("model file: tree %d: %w", i, err)
		}
		f.add(tree)
	}
	return f, nil
}

// nodes renumbers the tree breadth first, so that a right child follows its
// left one, and checks every index on the way.
func (t *fileTree) nodes(features int) ([]treeNode, error) {
	n := len(t.Left)
	if n == 0 || len(t.Right) != n || len(t.Conditions) != n || len(t.Features) != n || len(t.DefaultLeft) != n {
		return nil, fmt.Errorf("its arrays differ in length; left_children has %d entries", n)
	}
	tree := make([]treeNode, 1, n)
	old, seen := []int32{0}, make([]bool, n)
	seen[0] = true
	for at := 0; at < len(old); at++ {
		from := old[at]
		node, err := t.node(from, features)
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
func (t *fileTree) node(i int32, features int) (treeNode, error) {
	node := treeNode{
		feature: leafMark, value: t.Conditions[i],
		weight: at(t.BaseWeights, i), gain: at(t.Gains, i), cover: at(t.Covers, i),
	}
	if t.Left[i] == -1 {
		return node, nil
	}
	if int(i) < len(t.Types) && t.Types[i] != 0 {
		return node, fmt.Errorf("node %d splits by category; train without categorical features", i)
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

// at is xs[i], or 0 where a file leaves the array out.
func at(xs reals, i int32) float32 {
	if int(i) < len(xs) {
		return xs[i]
	}
	return 0
}
