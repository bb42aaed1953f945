package quality

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

func measured(t *testing.T, labels, scores []float64) Figures {
	t.Helper()
	f, err := Measure(labels, scores, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

func TestFiguresOfTwoClasses(t *testing.T) {
	b := measured(t, []float64{0, 0, 1, 1, 1}, []float64{0.1, 0.6, 0.6, 0.8, 0.4}).Binary
	if !near(b.AUC, 4.5/6) { // of six pairs four are right and one is a tie
		t.Errorf("AUC %v", b.AUC)
	}
	loss := -(math.Log(0.9) + math.Log(0.4) + math.Log(0.6) + math.Log(0.8) + math.Log(0.4)) / 5
	if !near(*b.LogLoss, loss) {
		t.Errorf("log loss %v, want %v", *b.LogLoss, loss)
	}
	if c := b.At; c != (Confusion{0.5, 2, 1, 1, 1}) || !near(c.Accuracy(), 0.6) || !near(c.Precision(), 2.0/3) || !near(c.Recall(), 2.0/3) {
		t.Errorf("confusion %+v", b.At)
	}
	if !near(*b.Calibration, (0.1+0.6+2*0.1+0.2)/5) {
		t.Errorf("calibration %v", *b.Calibration)
	}
}

func TestFiguresOfNumbers(t *testing.T) {
	n := measured(t, []float64{1, 2, 3}, []float64{1, 3, 3}).Number
	if !near(n.RMSE, math.Sqrt(1.0/3)) || !near(n.MAE, 1.0/3) || !near(n.R2, 0.5) {
		t.Errorf("got %+v", n)
	}
	if n := measured(t, []float64{3, 3}, []float64{1, 2}).Number; n.R2 != 0 {
		t.Errorf("without variance %+v", n)
	}
}

func TestTheOrderOfRowsDoesNotMatter(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	labels, scores := make([]float64, 500), make([]float64, 500)
	for i := range labels {
		labels[i], scores[i] = float64(random.IntN(2)), float64(random.IntN(50))/50
	}
	before := measured(t, labels, scores)
	random.Shuffle(len(labels), func(i, j int) {
		labels[i], labels[j], scores[i], scores[j] = labels[j], labels[i], scores[j], scores[i]
	})
	after := measured(t, labels, scores)
	if before.Binary.AUC != after.Binary.AUC || !near(*before.Binary.LogLoss, *after.Binary.LogLoss) {
		t.Errorf("%+v, then %+v", before.Binary, after.Binary)
	}
}

func TestScoresThatAreNoProbabilitiesHaveNoLogLoss(t *testing.T) {
	f := measured(t, []float64{0, 1}, []float64{-3, 4})
	if f.Binary.LogLoss != nil || f.Binary.AUC != 1 || strings.Contains(f.Text(), "log loss") {
		t.Errorf("got %+v", f.Binary)
	}
}

func TestWhatCannotBeMeasuredIsAnError(t *testing.T) {
	for _, tt := range []struct {
		labels, scores []float64
		want           string
	}{
		{nil, nil, "0 answers to 0 rows"},
		{[]float64{1, 0}, []float64{1}, "1 answers to 2 rows"},
		{[]float64{1, 0}, []float64{1, math.NaN()}, "row 2 of 2"},
		{[]float64{1, 1}, []float64{1, 0}, "one class"},
	} {
		if _, err := Measure(tt.labels, tt.scores, 0.5); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v %v: %v, want %q", tt.labels, tt.scores, err, tt.want)
		}
	}
}

func FuzzMeasure(f *testing.F) {
	f.Add([]byte{0, 1, 1, 200}, 0.5)
	f.Fuzz(func(t *testing.T, data []byte, threshold float64) {
		var labels, scores []float64
		for i := 0; i+1 < len(data); i += 2 {
			labels, scores = append(labels, float64(data[i]%2)), append(scores, float64(data[i+1])/255)
		}
		figures, err := Measure(labels, scores, threshold)
		if err != nil {
			return
		}
		if q := figures.Binary; q.AUC < 0 || q.AUC > 1 || *q.Calibration > 1 || math.IsNaN(q.AUCError) {
			t.Fatalf("got %+v", q)
		}
		if figures.Text() == "" || !strings.HasPrefix(figures.SVG("<a&b>"), "<svg") || strings.Contains(figures.SVG("<a&b>"), "<a&b>") {
			t.Fatal("text or picture")
		}
		for name, v := range figures.Named() {
			if math.IsNaN(v) {
				t.Fatalf("%s is NaN", name)
			}
		}
		if math.IsNaN(threshold) || math.IsInf(threshold, 0) {
			return // config refuses it
		}
		if _, err := json.Marshal(figures); err != nil {
			t.Fatal(err)
		}
	})
}
