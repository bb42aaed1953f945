package feature

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"betimes/internal/event"
)

func TestRouterTakesTheFirstEntryThatMatches(t *testing.T) {
	r, err := NewRouter([]RouteConfig{
		{When: `country == "AT" and amount > 100`, Model: "large"},
		{When: `headers.tier == "gold"`, Model: "gold"},
		{When: `amount > 1`, Model: "small"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for payload, want := range map[string]string{
		`{"country":"AT","amount":200}`: "large",
		`{"country":"DE","amount":200}`: "small",
	} {
		if got, err := r.Model(open(t, &event.Event{Value: []byte(payload)}, Format{})); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", payload, got, err, want)
		}
	}
	if got, _ := r.Model(open(t, payment, Format{})); got != "gold" {
		t.Errorf("by header: %q", got)
	}
	_, err = r.Model(open(t, &event.Event{Value: []byte(`{"country":"DE","amount":0}`)}, Format{}))
	if ReasonOf(err) != event.ReasonRoute || !strings.Contains(err.Error(), "none of 3 entries matches") {
		t.Errorf("nothing matches: %v", err)
	}
	_, err = r.Model(open(t, &event.Event{Value: []byte(`{"country":"AT"}`)}, Format{}))
	if ReasonOf(err) != event.ReasonFeature || !strings.Contains(err.Error(), "flow.route.0.when: ") {
		t.Errorf("a field is missing: %v", err)
	}
	if got, err := To("only").Model(open(t, payment, Format{})); err != nil || got != "only" {
		t.Errorf("To: %q, %v", got, err)
	}
}

func TestResponseShapesTheAnswer(t *testing.T) {
	for src, c := range map[string]struct{ answer, want string }{
		`answer > 0.5`: {`0.9`, `true`},
		`{"score": score, "country": payload.country}`: {`{"score":0.25}`, `{"country":"AT","score":0.25}`},
		`answer.predictions[0].score`:                  {`{"predictions":[{"score":1}]}`, `1`},
		`key + ":" + label`:                            {`{"label":"fraud","key":"not this"}`, `"card-7:fraud"`},
		`missing ?? 0`:                                 {`[1]`, `0`},
		`label`:                                        {`{"label":null}`, `null`},
	} {
		r, err := NewResponse("fraud", src)
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Prediction(open(t, payment, Format{}), json.RawMessage(c.answer))
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %s, %v; want %s", src, got, err, c.want)
		}
	}
}

func TestResponseThatFailsIsTheModelsFault(t *testing.T) {
	for src, answer := range map[string]string{`missing`: `[1]`, `score`: `"a page"`, `answer.score + 1`: `{"label":"x"}`, `score > 1`: `not JSON`, `answer / 0`: `1`} {
		r, err := NewResponse("fraud", src)
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.Prediction(open(t, payment, Format{}), json.RawMessage(answer))
		if ReasonOf(err) != event.ReasonBadModelOutput || !strings.Contains(err.Error(), "models.fraud.response: ") {
			t.Errorf("%s of %s: %v", src, answer, err)
		}
	}
}

func TestOutputMakesTheRecord(t *testing.T) {
	p := &event.Prediction{
		ID: "1", Key: "card-7", Status: "ok", Prediction: json.RawMessage(`{"score":0.9}`),
		Model: event.ModelRef{Name: "fraud"}, Received: time.Unix(1, 0).UTC(),
	}
	timed := func() *Input {
		in := open(t, payment, Format{})
		line := &in.event.Timeline
		line.Start(time.Unix(1, 0))
		line.Mark(event.StageNetwork, time.Unix(1, 300_000))
		line.Mark(event.StageModel, time.Unix(1, 1_200_000))
		return in
	}
	for format, want := range map[string]string{
		FormatRaw: `{"score":0.9}`,
		`{"s": prediction.score, "m": model.name, "us": latency_us - stages_us.model}`: `{"m":"fraud","s":0.9,"us":300}`,
		`id + "," + string(prediction.score)`:                                          `1,0.9`,
		`payload.country`:                                                              `AT`,
	} {
		o, err := NewOutput(format, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, _, err := o.Record(timed(), p); err != nil || string(got) != want {
			t.Errorf("%s: %s, %v; want %s", format, got, err, want)
		}
	}
	envelope, _ := NewOutput("", nil)
	value, _, err := envelope.Record(timed(), p)
	var back event.Prediction
	if err != nil || json.Unmarshal(value, &back) != nil || back.LatencyUS != 1200 || back.Status != "ok" {
		t.Errorf("envelope: %s, %v", value, err)
	}
}

func TestOutputAddsHeaders(t *testing.T) {
	o, err := NewOutput("envelope", map[string]string{"x-score": `prediction.score`, "tier": `headers.tier`, "late": `late ? "1" : nil`})
	if err != nil {
		t.Fatal(err)
	}
	_, headers, err := o.Record(open(t, payment, Format{}), &event.Prediction{Prediction: json.RawMessage(`{"score":0.9}`)})
	if err != nil || len(headers) != 2 || headers[0].Name != "tier" || string(headers[1].Value) != "0.9" {
		t.Errorf("got %v, %v", headers, err)
	}
}

func TestOutputRefusesWithTheKey(t *testing.T) {
	for want, make := range map[string]func() (*Output, error){
		"kafka.topics.predictions.format: neither envelope nor raw": func() (*Output, error) { return NewOutput("envelop", nil) },
		"unknown name scroe": func() (*Output, error) { return NewOutput("scroe", nil) },
		"headers.betimes-id: names that begin with betimes- are taken": func() (*Output, error) {
			return NewOutput("", map[string]string{"betimes-id": "id"})
		},
		"headers.x: ": func() (*Output, error) { return NewOutput("", map[string]string{"x": "late + 1"}) },
	} {
		if _, err := make(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v; want %s", err, want)
		}
	}
}
