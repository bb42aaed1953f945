package learn

import (
	"context"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestReadCSVReadsRowsAsTheAWSAlgorithmsDo(t *testing.T) {
	for name, c := range map[string]struct {
		text, contentType string
		labels, values    []float64
	}{
		"label first":               {"1,2,3\n0,4,5\n", "text/csv", []float64{1, 0}, []float64{2, 3, 4, 5}},
		"no label":                  {"1,2,3", "text/csv; label_size=0", nil, []float64{1, 2, 3}},
		"empty cell is missing":     {"1,,3", "", []float64{1}, []float64{math.NaN(), 3}},
		"nan is missing":            {"1,nan,NaN", "", []float64{1}, []float64{math.NaN(), math.NaN()}},
		"windows line ends":         {"1,2\r\n0,3\r\n", "", []float64{1, 0}, []float64{2, 3}},
		"blank lines are no rows":   {"\n1,2\n\n0,3\n\n", "", []float64{1, 0}, []float64{2, 3}},
		"quotes and spaces":         {`"1", "2.5" ,3`, "", []float64{1}, []float64{2.5, 3}},
		"byte order mark":           {"\xef\xbb\xbf1,2", "", []float64{1}, []float64{2}},
		"exponents":                 {"1,1e3", "", []float64{1}, []float64{1000}},
		"a line beyond the buffer":  {"1" + strings.Repeat(",0", 60_000), "", []float64{1}, make([]float64, 60_000)},
		"one column without labels": {"1\n2", "text/csv;label_size=0", nil, []float64{1, 2}},
	} {
		table, err := ReadCSV(strings.NewReader(c.text), c.contentType)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		same := func(a, b float64) bool { return a == b || (a != a && b != b) }
		if !slices.Equal(table.Labels, c.labels) || !slices.EqualFunc(table.Values, c.values, same) {
			t.Errorf("%s: labels %v values %.40v", name, table.Labels, table.Values)
		}
	}
}

func TestReadCSVNamesLineAndColumn(t *testing.T) {
	for name, c := range map[string]struct{ text, contentType, want string }{
		"a header":              {"fraud,amount\n1,2\n", "", `line 1 column 1: "fraud" is not a number; a header`},
		"text in a cell":        {"1,2\n0,two\n", "", `line 2 column 2: "two" is not a number`},
		"a line too short":      {"1,2,3\n1,2\n", "", "line 2 column 2: the line has 2 columns, the lines before it 3"},
		"label missing":         {"1,2\n,3\n", "", "line 2 column 1: the label is missing"},
		"only a label":          {"1\n", "", "line 1: there is a label and no feature"},
		"infinite":              {"1,inf\n", "", `line 1 column 2: "inf" is infinite`},
		"empty":                 {"", "", "line 1: there is no row"},
		"too wide":              {strings.Repeat(",", MaxColumns+1), "", "more than 65536 columns"},
		"another content type":  {"1,2", "text/libsvm", `"text/libsvm" is not text/csv`},
		"another label size":    {"1,2", "text/csv;label_size=2", "label_size=2"},
		"a broken content type": {"1,2", ";;", "is not text/csv"},
	} {
		if _, err := ReadCSV(strings.NewReader(c.text), c.contentType); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func TestLoadNamesWhatIsWrong(t *testing.T) {
	tree := func(body string) string {
		return `{"learner":{"gradient_booster":{"name":"gbtree","model":{"trees":[` + body + `]}},
			"learner_model_param":{"base_score":"5E-1","num_feature":"2"},"objective":{"name":"binary:logistic"}}}`
	}
	light := func(trees string) string {
		return "tree\nmax_feature_idx=1\nnum_tree_per_iteration=1\nobjective=binary sigmoid:1\n\n" + trees + "end of trees\n"
	}
	const rest = `"split_conditions":[0,0,0],"default_left":[0,0,0]`
	for name, c := range map[string]struct{ text, want string }{
		"not JSON":                {"pickle", "neither JSON nor LightGBM text"},
		"another file":            {"{}", "neither learner"},
		"another booster":         {`{"learner":{"gradient_booster":{"name":"gblinear"}}}`, `booster "gblinear" is not supported; train with booster gbtree or dart`},
		"another objective":       {`{"learner":{"gradient_booster":{"name":"gbtree"},"objective":{"name":"own:loss"}}}`, `objective "own:loss"`},
		"arrays differ":           {tree(`{"left_children":[-1],"right_children":[]}`), "tree 0: its arrays differ"},
		"a loop":                  {tree(`{"left_children":[1,0,-1],"right_children":[2,2,-1],"split_indices":[0,0,0],` + rest + `}`), "node 1 has child 0"},
		"a child out of range":    {tree(`{"left_children":[1,-1,-1],"right_children":[9,-1,-1],"split_indices":[0,0,0],` + rest + `}`), "node 0 has child 9"},
		"feature out of range":    {tree(`{"left_children":[1,-1,-1],"right_children":[2,-1,-1],"split_indices":[7,0,0],` + rest + `}`), "asks feature 7 of 2"},
		"categories":              {tree(`{"left_children":[1,-1,-1],"right_children":[2,-1,-1],"split_indices":[0,0,0],"split_type":[1,0,0],` + rest + `}`), "splits by category"},
		"LightGBM, no tree":       {light(""), "without a tree"},
		"LightGBM, cut off":       {"tree\nmax_feature_idx=1\nnum_tree_per_iteration=1\nobjective=binary sigmoid:1\ntree_sizes=19 19\n\nTree=0\nleaf_value=1\n\n", "1 of 2 trees"},
		"LightGBM, a loop":        {light("Tree=0\nleaf_value=1 2 3\nsplit_feature=0 1\ndecision_type=2 2\nthreshold=1 2\nleft_child=1 0\nright_child=-1 -2\n"), "split 1 has child 0"},
		"LightGBM, a short array": {light("Tree=0\nleaf_value=1 2\nsplit_feature=0\ndecision_type=2\nthreshold=\n"), "tree 0: threshold: it is missing"},
		"LightGBM, categories":    {light("Tree=0\nnum_cat=1\nleaf_value=1 2\n"), "cat_boundaries: it is missing"},
		"LightGBM, many classes":  {"tree\nmax_feature_idx=1\nnum_tree_per_iteration=3\nobjective=binary sigmoid:1\n", "does not fit num_tree_per_iteration 3"},
		"LightGBM, objective":     {"tree\nmax_feature_idx=1\nnum_tree_per_iteration=1\nobjective=own\n", `objective "own" is not supported`},
		"linear lengths":          {`{"linear_learner":{"weights":[1],"means":[]}}`, "1 weights and 0 means"},
	} {
		if _, err := Load(strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func TestAUCCountsTiesHalf(t *testing.T) {
	for name, c := range map[string]struct {
		scores, labels []float64
		want           float64
	}{
		"perfect":  {[]float64{1, 2, 3, 4}, []float64{0, 0, 1, 1}, 1},
		"reversed": {[]float64{4, 3, 2, 1}, []float64{0, 0, 1, 1}, 0},
		"all tied": {[]float64{5, 5, 5, 5}, []float64{0, 1, 0, 1}, 0.5},
		"one tie":  {[]float64{1, 2, 2, 3}, []float64{0, 0, 1, 1}, 0.875},
	} {
		if got := AUC(c.scores, c.labels); got != c.want {
			t.Errorf("%s: %g, want %g", name, got, c.want)
		}
	}
	if !math.IsNaN(AUC([]float64{1, 2}, []float64{1, 1})) {
		t.Error("one label only has no AUC")
	}
}

func FuzzReadCSV(f *testing.F) {
	for _, seed := range []string{"1,2,3\n0,4,5\n", "1,,\"3\"\r\n", "", ",", "1,inf", "\xef\xbb\xbf0,1e400", "1,2\n3"} {
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, text string, labelled bool) {
		contentType := "text/csv;label_size=0"
		if labelled {
			contentType = "text/csv"
		}
		table, err := ReadCSV(strings.NewReader(text), contentType)
		if err != nil {
			return
		}
		if table.Rows()*table.Width != len(table.Values) || (labelled && len(table.Labels) != table.Rows()) {
			t.Fatalf("%d rows of %d, %d values, %d labels", table.Rows(), table.Width, len(table.Values), len(table.Labels))
		}
		if labelled && len(table.Values) < 1000 { // what was read can be trained on, or is refused
			_, _ = Train(context.Background(), XGBoost, map[string]string{"num_round": "2"}, table, nil, io.Discard)
			_, _ = Train(context.Background(), LinearLearner, map[string]string{"predictor_type": "regressor"}, table, nil, io.Discard)
		}
	})
}

func FuzzLoad(f *testing.F) {
	for _, algorithm := range []string{XGBoost, LinearLearner} {
		table := noise(50, 2, func(x []float64) float64 { return x[0] })
		hyper := map[string]string{"num_round": "2"}
		if algorithm == LinearLearner {
			hyper = map[string]string{"predictor_type": "regressor"}
		}
		var b strings.Builder
		if err := mustTrain(f, algorithm, hyper, table, nil).Write(&b); err != nil {
			f.Fatal(err)
		}
		f.Add(b.String())
	}
	text, err := os.ReadFile("testdata/lightgbm-model.txt")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	for _, name := range []string{"xgboost-categories.json", "xgboost-softprob.ubj", "xgboost-dart.json", "lightgbm-categories.txt", "lightgbm-classes.txt"} {
		text, err := os.ReadFile("testdata/foreign/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	binary, err := os.ReadFile("testdata/xgboost-model.ubj")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(binary))
	f.Fuzz(func(t *testing.T, text string) {
		m, err := Load(strings.NewReader(text))
		if err != nil {
			return
		}
		m.Predict(make([]float64, m.Features()))
		m.Predict(nil)
		if c, ok := m.(Classifier); ok && c.Classes() > 0 {
			if got := c.Probabilities(nil, nil); len(got) != c.Classes() {
				t.Errorf("%d probabilities of %d classes", len(got), c.Classes())
			}
		}
	})
}
