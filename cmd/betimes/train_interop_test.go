//go:build interop

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"betimes/internal/steer/rollout"
)

// export writes NAME.csv of data sets that ship inside scikit-learn, with names
// of columns, and prints the AUC that scikit-learn reaches in three folds.
const export = `
import json, sys
import numpy
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import cross_val_score
cancer, digits = load_breast_cancer(), load_digits()
auc = {}
for name, x, y in (("cancer", cancer.data, cancer.target), ("digits", digits.data, (digits.target >= 5).astype(int))):
    header = ",".join(["label"] + [f"f{i}" for i in range(x.shape[1])])
    numpy.savetxt(f"{sys.argv[1]}/{name}.csv", numpy.column_stack([y, x]), fmt="%g", delimiter=",", header=header, comments="")
    auc[name] = cross_val_score(HistGradientBoostingClassifier(max_iter=60), x, y, cv=3, scoring="roc_auc").mean()
print(json.dumps(auc))
`

// libraries is an environment of Python with scikit-learn, made once.
func libraries(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("BETIMES_CACHE")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		dir = filepath.Join(cache, "betimes")
	}
	programs := filepath.Join(dir, "learn-libraries", "bin")
	if _, err := os.Stat(filepath.Join(programs, "complete")); err == nil {
		return filepath.Join(programs, "python")
	}
	for _, c := range []*exec.Cmd{
		exec.CommandContext(t.Context(), "python3", "-m", "venv", filepath.Dir(programs)),
		exec.CommandContext(t.Context(), filepath.Join(programs, "pip"), "install", "--quiet", "xgboost-cpu==3.2.0", "scikit-learn==1.9.1"),
	} {
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	if err := os.WriteFile(filepath.Join(programs, "complete"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(programs, "python")
}

func TestInteropTwoRealDataSetsAreLearntAsWellAsByScikitLearn(t *testing.T) {
	dir := t.TempDir()
	out, err := exec.CommandContext(t.Context(), libraries(t), "-c", export, dir).Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	reference := map[string]float64{}
	if err := json.Unmarshal(out, &reference); err != nil {
		t.Fatal(err)
	}
	for name, auc := range reference {
		file := filepath.Join(dir, name+".yaml")
		text := "kafka: {embedded: {brokers: 1}}\nmodels: {" + name + ": {sagemaker: {embedded: true}, train: {algorithm: xgboost, data: " + name + ".csv, label: label}}}\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		digests := map[string]bool{}
		for _, folder := range []string{"one", "two"} {
			r := trainedBy(t, file, filepath.Join(dir, name, folder))
			digests[r.Digest] = true
			if got := r.Quality.Binary.AUC; got < auc-0.03 || r.Release == nil || len(r.Release.Answer) == 0 {
				t.Errorf("%s: AUC %.4f, that of scikit-learn in three folds %.4f; %+v", name, got, auc, r.Release)
			}
			t.Logf("%s: AUC %.4f ± %.4f, scikit-learn %.4f, seconds %v", name, r.Quality.Binary.AUC, r.Quality.Binary.AUCError, auc, r.Seconds)
		}
		if len(digests) != 1 {
			t.Errorf("%s: the same rows gave the models %v", name, digests)
		}
	}
}

func trainedBy(t *testing.T, file, dataDir string) rollout.Report {
	t.Helper()
	var out, log bytes.Buffer
	root := newRoot()
	root.SetArgs([]string{"train", file, "--json", "--set", "data_dir=" + dataDir})
	root.SetOut(&out)
	root.SetErr(&log)
	if err := root.ExecuteContext(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	var r rollout.Report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	return r
}
