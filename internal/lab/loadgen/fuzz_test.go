package loadgen

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/valyala/fastjson"
)

func FuzzRows(f *testing.F) {
	for _, seed := range []string{"a,b\n1,2\n", "a\n\"x\ny\"\n", "\ufeffa,\n,\n", "a,b\n1e5,NaN\n", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		next, err := rows(strings.NewReader(text))
		if err != nil {
			return
		}
		for {
			body, err := next()
			if errors.Is(err, io.EOF) || err != nil {
				return
			}
			if !json.Valid(body) {
				t.Fatalf("%q became %q, which is not JSON", text, body)
			}
		}
	})
}

func FuzzReadAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"status":"ok","prediction":{"score":0.5},"received":"2026-01-05T08:00:00Z","latency_us":3,"stages_us":{"queue":3}}`,
		`{"predictions":[{"score":0.25}]}`, `0.5`, `[[[[[[1]]]]]]`, `{"stages_us":[],"latency_us":"x"}`, ``,
	} {
		f.Add([]byte(seed))
	}
	var p fastjson.Parser
	f.Fuzz(func(_ *testing.T, value []byte) { readAnswer(&p, value) })
}

func TestTheScoreIsFoundInEveryModelsAnswer(t *testing.T) {
	for text, want := range map[string]float64{
		`0.5`: 0.5, `[0.5]`: 0.5, `{"score":0.5}`: 0.5, `{"predictions":[{"score":0.5,"predicted_label":1}]}`: 0.5,
		`{"outputs":[{"data":[0.5]}]}`: 0.5, `{"predictions":[0.5,0.7]}`: 0.5,
	} {
		got, ok := scoreOf(fastjson.MustParse(text), 0)
		if !ok || got != want {
			t.Errorf("%s: %g %v", text, got, ok)
		}
	}
	for _, text := range []string{`"fraud"`, `{}`, `[]`, `null`, `{"label":1}`} {
		if got, ok := scoreOf(fastjson.MustParse(text), 0); ok {
			t.Errorf("%s: %g, want none", text, got)
		}
	}
}

func TestTheAreaUnderTheCurveCountsPairs(t *testing.T) {
	var q quality
	for _, one := range []struct {
		score float64
		label int8
	}{{0.1, 0}, {0.4, 0}, {0.4, 1}, {0.9, 1}} {
		q.add(one.score, one.label)
	}
	r := q.report()
	if r.AUC == nil || *r.AUC != 0.875 || r.Accuracy != 0.75 || r.Positives != 2 {
		t.Errorf("%+v", r)
	}
	if one := (&quality{}); one.report() != nil {
		t.Error("without labels there is nothing to report")
	}
}
