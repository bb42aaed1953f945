package learn

import (
	"encoding/json"
	"io"
	"strconv"
)

// Write writes the trees as XGBoost 2 does, or the file that was loaded.
func (f *forest) Write(w io.Writer) error {
	if f.file != nil {
		_, err := w.Write(f.file)
		return err
	}
	l := fileLearner{
		Attributes: map[string]string{}, FeatureNames: []string{}, FeatureTypes: []string{},
		Param: fileParam{
			BaseScore: strconv.FormatFloat(f.base, 'E', -1, 32), BoostFromAverage: "1",
			NumClass: "0", NumFeature: strconv.Itoa(f.features), NumTarget: "1",
		},
		Objective: fileObjective{Name: f.objective, Loss: map[string]any{"scale_pos_weight": "1"}},
	}
	m := &l.Booster.Model
	l.Booster.Name = "gbtree"
	m.Param.ParallelTrees, m.Param.Trees = "1", strconv.Itoa(len(f.trees))
	m.Trees = make([]fileTree, len(f.trees))
	m.Info, m.Iterations = make([]int, len(f.trees)), make([]int, len(f.trees)+1)
	for i, tree := range f.trees {
		m.Trees[i] = f.writeTree(i, tree)
		m.Iterations[i+1] = i + 1
	}
	return json.NewEncoder(w).Encode(map[string]any{"learner": l, "version": []int{2, 1, 0}})
}

func (f *forest) writeTree(id int, tree []treeNode) fileTree {
	n := len(tree)
	t := fileTree{
		ID: id, BaseWeights: make(reals, n), DefaultLeft: make([]any, n), Left: make([]int32, n), Right: make([]int32, n),
		Parents: make([]int32, n), Gains: make(reals, n), Conditions: make(reals, n), Features: make([]int32, n),
		Types: make([]int, n), Covers: make(reals, n),
		Categories: []int{}, CategoriesNodes: []int{}, CategoriesSegments: []int{}, CategoriesSizes: []int{},
		Param: fileShape{Deleted: "0", Features: strconv.Itoa(f.features), Nodes: strconv.Itoa(n), LeafSize: "1"},
	}
	t.Parents[0] = noParent
	for i, node := range tree {
		t.BaseWeights[i], t.Gains[i], t.Covers[i], t.Conditions[i] = node.weight, node.gain, node.cover, node.value
		t.Left[i], t.Right[i], t.DefaultLeft[i] = -1, -1, 0
		if node.feature == leafMark {
			continue
		}
		t.Left[i], t.Right[i], t.Features[i] = node.left, node.left+1, node.feature
		t.Parents[node.left], t.Parents[node.left+1] = int32(i), int32(i)
		if node.defaultLeft {
			t.DefaultLeft[i] = 1
		}
	}
	return t
}
