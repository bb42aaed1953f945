package learn

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// refusedForeign are the kinds that are not served, and what is said of them.
var refusedForeign = map[string]string{
	"xgboost-linear":  `booster "gblinear" is not supported`,
	"xgboost-targets": `num_target "2": only models with one label a row are supported`,
	"lightgbm-linear": "its leaves are linear; train without linear_tree",
}

func TestEveryKindOfForeignModelAnswersAsThereOrIsRefusedByName(t *testing.T) {
	var answers map[string]json.RawMessage
	readJSON(t, "testdata/foreign/answers.json", &answers)
	rows, err := os.Open("testdata/foreign/rows.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	table, err := ReadCSV(rows, "text/csv;label_size=0")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/foreign/*-*")
	if err != nil || len(files) < len(answers) {
		t.Fatalf("%d files for %d kinds, %v", len(files), len(answers), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			kind := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
			m, err := Load(bytes.NewReader(data))
			if says, refused := refusedForeign[kind]; refused {
				if err == nil || !strings.Contains(err.Error(), says) {
					t.Errorf("%v, want %s", err, says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			answersAs(t, m, table, answers[kind])
			again, err := Load(bytes.NewReader(modelBytes(t, m)))
			if err != nil {
				t.Fatalf("written again: %v", err)
			}
			answersAs(t, again, table, answers[kind])
		})
	}
}

// answersAs compares with answers that are numbers, or lists of them.
func answersAs(t *testing.T, m Model, table *Table, answers json.RawMessage) {
	t.Helper()
	var numbers []float64
	var lists [][]float64
	if json.Unmarshal(answers, &numbers) != nil {
		if err := json.Unmarshal(answers, &lists); err != nil {
			t.Fatal(err)
		}
	}
	near := func(got, want float64) bool { return math.Abs(got-want) <= 2e-6*(1+math.Abs(want)) }
	for i := range table.Rows() {
		c, classifies := m.(Classifier)
		if classifies = classifies && c.Classes() > 0; classifies != (lists != nil) {
			t.Fatalf("probabilities %v, want %v", classifies, lists != nil)
		}
		if !classifies {
			if got := m.Predict(table.Row(i)); !near(got, numbers[i]) {
				t.Fatalf("row %d: %g, want %g", i+1, got, numbers[i])
			}
			continue
		}
		got := c.Probabilities(table.Row(i), nil)
		if !slices.EqualFunc(got, lists[i], near) {
			t.Fatalf("row %d: %v, want %v", i+1, got, lists[i])
		}
		if at := m.Predict(table.Row(i)); got[int(at)] != slices.Max(got) {
			t.Fatalf("row %d: class %g of %v", i+1, at, got)
		}
	}
}
