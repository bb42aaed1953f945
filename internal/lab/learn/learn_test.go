package learn

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

// within is how far behind the reference an AUC may be: two points.
const within = 0.02

var referenceSets = []string{"breast-cancer", "breast-cancer-holes", "digits-from-5"}

func TestLearnersReachTheReference(t *testing.T) {
	var reference struct {
		AUC map[string]map[string]float64 `json:"auc"`
	}
	readJSON(t, "testdata/reference.json", &reference)
	for _, name := range referenceSets {
		train, held := readTable(t, name+"-train.csv"), readTable(t, name+"-held.csv")
		reached := map[string]float64{}
		for algorithm, hyper := range map[string]map[string]string{
			XGBoost:       {"objective": "binary:logistic", "num_round": "60", "max_depth": "4"},
			LinearLearner: {"predictor_type": "binary_classifier"},
		} {
			reached[algorithm] = AUC(predictAll(mustTrain(t, algorithm, hyper, train, nil), held), held.Labels)
		}
		for peer, want := range reference.AUC[name] {
			algorithm := XGBoost
			if peer == "logistic_regression" {
				algorithm = LinearLearner
			}
			got := reached[algorithm]
			t.Logf("%s: %s %.4f, %s %.4f", name, algorithm, got, peer, want)
			if got < want-within {
				t.Errorf("%s: AUC %.4f of %s is more than two points below the %.4f of %s", name, got, algorithm, want, peer)
			}
		}
	}
}

func TestAModelTrainedElsewhereAnswersAsThere(t *testing.T) {
	for model, answers := range map[string]string{
		"xgboost-model.json": "xgboost-answers.json", "xgboost-model.ubj": "xgboost-answers.json", "lightgbm-model.txt": "lightgbm-answers.json",
	} {
		data, err := os.ReadFile("testdata/" + model)
		if err != nil {
			t.Fatal(err)
		}
		m, err := Load(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		var want []float64
		readJSON(t, "testdata/"+answers, &want)
		held := readTable(t, "breast-cancer-holes-held.csv")
		for i, got := range predictAll(m, held) {
			if math.Abs(got-want[i]) > 1e-6 {
				t.Fatalf("%s: row %d: %g, want %g", model, i+1, got, want[i])
			}
		}
	}
}

func TestTheSameInputGivesTheSameBytes(t *testing.T) {
	train := readTable(t, "breast-cancer-holes-train.csv")
	for algorithm, hyper := range map[string]map[string]string{
		XGBoost:       {"objective": "binary:logistic", "num_round": "10", "subsample": "0.7", "colsample_bytree": "0.5", "seed": "3"},
		LinearLearner: {"predictor_type": "binary_classifier"},
	} {
		a, b := modelBytes(t, mustTrain(t, algorithm, hyper, train, nil)), modelBytes(t, mustTrain(t, algorithm, hyper, train, nil))
		if !bytes.Equal(a, b) {
			t.Errorf("%s: two runs on the same table wrote different models", algorithm)
		}
	}
}

func TestASeedChangesTheSample(t *testing.T) {
	train := readTable(t, "breast-cancer-train.csv")
	hyper := map[string]string{"num_round": "3", "subsample": "0.5", "seed": "1"}
	a := modelBytes(t, mustTrain(t, XGBoost, hyper, train, nil))
	hyper["seed"] = "2"
	if bytes.Equal(a, modelBytes(t, mustTrain(t, XGBoost, hyper, train, nil))) {
		t.Error("seed 1 and 2 drew the same rows")
	}
}

func TestALoadedModelAnswersAndWritesTheSame(t *testing.T) {
	train := readTable(t, "breast-cancer-holes-train.csv")
	for algorithm, hyper := range map[string]map[string]string{
		XGBoost:       {"objective": "binary:logistic", "num_round": "8"},
		LinearLearner: {"predictor_type": "regressor"},
	} {
		m := mustTrain(t, algorithm, hyper, train, nil)
		data := modelBytes(t, m)
		loaded, err := Load(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		for i := range train.Rows() {
			if a, b := m.Predict(train.Row(i)), loaded.Predict(train.Row(i)); a != b {
				t.Fatalf("%s: row %d: %g before, %g after", algorithm, i+1, a, b)
			}
		}
		if !bytes.Equal(data, modelBytes(t, loaded)) {
			t.Errorf("%s: the loaded model writes other bytes", algorithm)
		}
	}
}

func TestRegressionFitsALine(t *testing.T) {
	table := noise(500, 3, func(x []float64) float64 { return 2*x[0] - 3*x[1] + 7 })
	for algorithm, hyper := range map[string]map[string]string{
		XGBoost:       {"num_round": "60"},
		LinearLearner: {"predictor_type": "regressor", "wd": "0"},
	} {
		m := mustTrain(t, algorithm, hyper, table, nil)
		worst := 0.0
		for i, y := range table.Labels {
			worst = max(worst, math.Abs(m.Predict(table.Row(i))-y))
		}
		if worst > 0.6 {
			t.Errorf("%s: a row is off by %.3f", algorithm, worst)
		}
	}
}

func TestEarlyStoppingKeepsTheBestRound(t *testing.T) {
	train, held := readTable(t, "breast-cancer-train.csv"), readTable(t, "breast-cancer-held.csv")
	var log strings.Builder
	m, err := Train(context.Background(), XGBoost, map[string]string{
		"objective": "binary:logistic", "num_round": "500", "early_stopping_rounds": "5", "eta": "1", "max_depth": "3",
	}, train, held, &log)
	if err != nil {
		t.Fatal(err)
	}
	trees := len(m.(*forest).trees)
	if rounds := strings.Count(log.String(), "\ttrain-logloss:"); trees != rounds-5 || rounds == 500 {
		t.Errorf("%d trees kept after %d rounds, want 5 fewer", trees, rounds)
	}
	if !strings.Contains(log.String(), "Stopping. Best iteration") {
		t.Error("the log does not say that it stopped early")
	}
}

func TestMissingValuesGoTheBetterWay(t *testing.T) {
	table := noise(400, 2, func(x []float64) float64 { return 0 })
	for i := range table.Labels {
		if i%3 == 0 { // the label is 1 exactly where the value is missing
			table.Values[i*2], table.Labels[i] = math.NaN(), 1
		}
	}
	m := mustTrain(t, XGBoost, map[string]string{"objective": "binary:logistic", "num_round": "20"}, table, nil)
	if p := m.Predict([]float64{math.NaN(), 0}); p < 0.9 {
		t.Errorf("missing: %.3f, want near 1", p)
	}
	if p := m.Predict([]float64{0.5, 0}); p > 0.1 {
		t.Errorf("present: %.3f, want near 0", p)
	}
}

func TestAWeightOfLabelOneRaisesItsProbability(t *testing.T) {
	table := noise(400, 2, func(x []float64) float64 { return map[bool]float64{true: 1}[x[0] > 1] })
	for algorithm, hyper := range map[string]map[string]string{
		XGBoost:       {"objective": "binary:logistic", "num_round": "1", "max_depth": "1", "scale_pos_weight": "1"},
		LinearLearner: {"predictor_type": "binary_classifier", "positive_example_weight_mult": "1"},
	} {
		before := mustTrain(t, algorithm, hyper, table, nil).Predict([]float64{0.9, 0})
		hyper[map[string]string{XGBoost: "scale_pos_weight", LinearLearner: "positive_example_weight_mult"}[algorithm]] = "20"
		if after := mustTrain(t, algorithm, hyper, table, nil).Predict([]float64{0.9, 0}); after <= before {
			t.Errorf("%s: %.3f with weight 20, %.3f with weight 1", algorithm, after, before)
		}
	}
}

func TestTrainNamesWhatIsWrong(t *testing.T) {
	good := noise(20, 2, func(x []float64) float64 { return 0.5 })
	for name, c := range map[string]struct {
		algorithm string
		hyper     map[string]string
		table     *Table
		want      string
	}{
		"unknown algorithm":         {"forest", nil, good, `"forest" is not built in; use xgboost or linear-learner`},
		"unknown hyperparameter":    {XGBoost, map[string]string{"max_leafs": "3"}, good, "hyperparameter max_leafs is not known to xgboost"},
		"not a number":              {XGBoost, map[string]string{"eta": "fast"}, good, `hyperparameter eta: "fast" is not a number from 0 to 1`},
		"out of range":              {XGBoost, map[string]string{"max_depth": "0"}, good, `max_depth: "0" is not a whole number from 1 to 20`},
		"unknown objective":         {XGBoost, map[string]string{"objective": "multi:softmax"}, good, `objective: "multi:softmax" is not known`},
		"labels are not binary":     {XGBoost, map[string]string{"objective": "binary:logistic"}, good, "row 1: label 0.5 is neither 0 nor 1"},
		"base score no probability": {XGBoost, map[string]string{"objective": "binary:logistic", "base_score": "2"}, good, "base_score: 2"},
		"predictor type missing":    {LinearLearner, nil, good, "predictor_type is missing"},
		"wrong feature_dim":         {LinearLearner, map[string]string{"predictor_type": "regressor", "feature_dim": "9"}, good, "feature_dim: 9, but the rows have 2"},
		"no rows":                   {XGBoost, nil, &Table{}, "has no rows"},
		"no labels":                 {XGBoost, nil, &Table{Values: []float64{1}, Width: 1}, "has no labels"},
	} {
		_, err := Train(context.Background(), c.algorithm, c.hyper, c.table, nil, io.Discard)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func TestTrainingStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	table := noise(50, 2, func(x []float64) float64 { return x[0] })
	for algorithm, hyper := range map[string]map[string]string{XGBoost: nil, LinearLearner: {"predictor_type": "regressor"}} {
		if _, err := Train(ctx, algorithm, hyper, table, nil, io.Discard); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want context canceled", algorithm, err)
		}
	}
}

func TestPredictAllocatesNothing(t *testing.T) {
	table := noise(2000, 10, func(x []float64) float64 { return x[0] })
	for algorithm, hyper := range map[string]map[string]string{
		XGBoost: {"num_round": "60", "max_depth": "4"}, LinearLearner: {"predictor_type": "regressor"},
	} {
		m := mustTrain(t, algorithm, hyper, table, nil)
		if n := testing.AllocsPerRun(100, func() { m.Predict(table.Row(0)) }); n != 0 {
			t.Errorf("%s: %g allocations a prediction", algorithm, n)
		}
	}
}

func BenchmarkPredict(b *testing.B) {
	table := noise(2000, 10, func(x []float64) float64 { return x[0] + x[1]*x[2] })
	m := mustTrain(b, XGBoost, map[string]string{"num_round": "60", "max_depth": "4"}, table, nil)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		m.Predict(table.Row(i % 2000))
	}
}

func BenchmarkTrain(b *testing.B) {
	table := noise(20_000, 10, func(x []float64) float64 { return x[0] + x[1]*x[2] })
	for b.Loop() {
		mustTrain(b, XGBoost, map[string]string{"num_round": "60", "max_depth": "6"}, table, nil)
	}
}

// noise is rows of evenly spread numbers in [-2,2) with a label made of them.
func noise(rows, width int, label func([]float64) float64) *Table {
	random := rand.New(rand.NewPCG(1, 2))
	t := &Table{Width: width}
	for i := range rows {
		for range width {
			t.Values = append(t.Values, random.Float64()*4-2)
		}
		t.Labels = append(t.Labels, label(t.Values[i*width:]))
	}
	return t
}

func mustTrain(t testing.TB, algorithm string, hyper map[string]string, train, validation *Table) Model {
	t.Helper()
	m, err := Train(context.Background(), algorithm, hyper, train, validation, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func predictAll(m Model, t *Table) []float64 {
	answers := make([]float64, t.Rows())
	for i := range answers {
		answers[i] = m.Predict(t.Row(i))
	}
	return answers
}

func modelBytes(t *testing.T, m Model) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := m.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func readTable(t testing.TB, name string) *Table {
	t.Helper()
	file, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	table, err := ReadCSV(file, "text/csv")
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return table
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
