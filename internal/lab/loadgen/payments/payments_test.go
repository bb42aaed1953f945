package payments_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"betimes/internal/lab/learn"
	"betimes/internal/lab/loadgen/payments"
)

// example is the committed training file;
// betimes load --workload payments --write writes it.
const (
	example     = "../../../../examples/payments-train.csv"
	exampleRows = 20_000
	exampleSeed = 2026
)

func TestTheCommittedTrainingFileIsWhatTheGeneratorWrites(t *testing.T) {
	want, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := payments.WriteCSV(&got, exampleRows, exampleSeed); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%s differs; write it again with: betimes load --workload payments --seed %d --count %d --write %s", example, exampleSeed, exampleRows, example)
	}
}

// seen is what a window per card would know before a payment.
type seen struct {
	index, tinyIndex int
}

// tables makes train or held-out rows: the plain features, and the same with
// what the card did just before.
func tables(seed uint64, n int) (plain, history *learn.Table, fraud int) {
	g := payments.NewGenerator(payments.Options{Seed: seed})
	plain, history = &learn.Table{Width: 4}, &learn.Table{Width: 6}
	cards := map[string]*seen{}
	at := time.Unix(0, 0)
	for i := range n {
		p := g.Next(at)
		label := 0.0
		if p.Fraud {
			label = 1
			fraud++
		}
		s := cards[p.Card]
		if s == nil {
			s = &seen{index: math.MinInt32, tinyIndex: math.MinInt32}
			cards[p.Card] = s
		}
		row := []float64{p.Amount, float64(p.Hour), p.CountryRisk, p.MerchantRisk}
		plain.Labels, plain.Values = append(plain.Labels, label), append(plain.Values, row...)
		history.Labels = append(history.Labels, label)
		history.Values = append(append(history.Values, row...), float64(i-s.index), float64(i-s.tinyIndex))
		s.index = i
		if p.Amount <= 2 {
			s.tinyIndex = i
		}
	}
	return plain, history, fraud
}

func train(t *testing.T, table *learn.Table) learn.Model {
	t.Helper()
	m, err := learn.Train(context.Background(), learn.XGBoost, map[string]string{
		"objective": "binary:logistic", "num_round": "30", "max_depth": "4", "eta": "0.2",
	}, table, nil, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func auc(m learn.Model, held *learn.Table) float64 {
	scores := make([]float64, held.Rows())
	for i := range scores {
		scores[i] = m.Predict(held.Row(i))
	}
	return learn.AUC(scores, held.Labels)
}

func TestWhatTheCardDidJustBeforeHelps(t *testing.T) {
	trainPlain, trainHistory, fraud := tables(1, 20_000)
	heldPlain, heldHistory, _ := tables(2, 20_000)
	plain, history := auc(train(t, trainPlain), heldPlain), auc(train(t, trainHistory), heldHistory)
	t.Logf("fraud %.2f %%, AUC %.4f, with history %.4f", float64(fraud)/200, plain, history)
	if plain < 0.78 || plain > 0.90 {
		t.Errorf("AUC %.4f of the plain features, want about 0.80 to 0.90", plain)
	}
	if history < plain+0.04 {
		t.Errorf("AUC %.4f with history, %.4f without; want 4 points more", history, plain)
	}
}

func TestDirtMakesTheModelWorseAndIsRemembered(t *testing.T) {
	clean, _, _ := tables(1, 20_000)
	held, _, _ := tables(2, 20_000)
	dirty := &learn.Table{Width: 4, Labels: held.Labels, Values: append([]float64(nil), held.Values...)}
	for i := 0; i < dirty.Rows(); i += 4 {
		dirty.Values[i*4] *= 100 // the amount in cents
	}
	m := train(t, clean)
	if right, wrong := auc(m, held), auc(m, dirty); wrong > right-0.02 {
		t.Errorf("AUC %.4f clean, %.4f with a quarter of the amounts in cents; want two points less", right, wrong)
	}

	g := payments.NewGenerator(payments.Options{Seed: 5, Dirt: 0.05})
	var counts [payments.NumDirt]int
	last := ""
	for range 20_000 {
		p := g.Next(time.Unix(1_800_000_000, 0))
		counts[p.Dirt]++
		text := string(p.AppendJSON(nil))
		var fields map[string]any
		parses := json.Unmarshal([]byte(text), &fields) == nil
		switch {
		case parses == (p.Dirt == payments.Malformed):
			t.Fatalf("%s: %s", p.Dirt, text)
		case p.Dirt == payments.Missing && len(fields) != 9, p.Dirt == payments.Clean && len(fields) != 10:
			t.Fatalf("%s: %d fields in %s", p.Dirt, len(fields), text)
		case p.Dirt == payments.Repeated && text != last:
			t.Fatalf("repeated %s\nafter    %s", text, last)
		case p.Dirt == payments.Units && fields["amount"].(float64) < p.Amount*50:
			t.Fatalf("amount %v for %g", fields["amount"], p.Amount)
		case p.Dirt == payments.Late && strings.Contains(text, `"2027-01-15T08:00:00.000000Z"`):
			t.Fatalf("late: %s", text)
		}
		last = text
	}
	for d, n := range counts[1:] {
		if n < 100 || n > 300 {
			t.Errorf("%s: %d of 20,000, want about 200", payments.Dirt(d+1), n)
		}
	}
}

func TestTheSameSeedGivesTheSamePaymentsWithOrWithoutDirtOnOthers(t *testing.T) {
	var a, b, c bytes.Buffer
	for out, seed := range map[*bytes.Buffer]uint64{&a: 3, &b: 3, &c: 4} {
		if err := payments.WriteNDJSON(out, 500, payments.Options{Seed: seed}); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) || bytes.Equal(a.Bytes(), c.Bytes()) {
		t.Error("seed 3 twice must give the same events, seed 4 others")
	}
	clean, dirty := payments.NewGenerator(payments.Options{Seed: 3}), payments.NewGenerator(payments.Options{Seed: 3, Dirt: 0.5})
	for range 200 {
		want := clean.Next(time.Unix(0, 0))
		got := dirty.Next(time.Unix(0, 0))
		for got.Dirt == payments.Repeated {
			got = dirty.Next(time.Unix(0, 0))
		}
		if got.Card != want.Card || got.Amount != want.Amount || got.Fraud != want.Fraud {
			t.Fatalf("with dirt %+v, without %+v", got, want)
		}
	}
}

func TestTheHottestCardMakesAtMostFourPercent(t *testing.T) {
	g := payments.NewGenerator(payments.Options{Seed: 1})
	counts := map[string]int{}
	for range 100_000 {
		counts[g.Next(time.Unix(0, 0)).Card]++
	}
	hottest := 0
	for _, n := range counts {
		hottest = max(hottest, n)
	}
	if hottest > 4000 || hottest < 3000 {
		t.Errorf("the hottest card has %d of 100,000 payments", hottest)
	}
	if len(counts) < 8000 || len(counts) > payments.Cards {
		t.Errorf("%d cards, want most of %d", len(counts), payments.Cards)
	}
}

func BenchmarkNext(b *testing.B) {
	g := payments.NewGenerator(payments.Options{Seed: 1})
	var line []byte
	b.ReportAllocs()
	for b.Loop() {
		p := g.Next(time.Unix(0, 0))
		line = p.AppendJSON(line[:0])
	}
}
