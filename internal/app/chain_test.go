package app

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/config"
	"betimes/internal/event"
	"betimes/internal/flow/balance"
	"betimes/internal/model"
	"betimes/internal/model/modeltest"
)

// chainOf is the prediction path of a file, with a fake behind each model.
func chainOf(t *testing.T, file string, fake *modeltest.Fake) *chain {
	t.Helper()
	_, c := appOf(t, file, fake)
	return c
}

func appOf(t *testing.T, file string, fake *modeltest.Fake) (*App, *chain) {
	t.Helper()
	loaded, err := config.Parse("test.yaml", []byte(file), config.Options{Env: func(string) (string, bool) { return "", false }})
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(loaded, Options{Role: "stream", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	format, err := a.format()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.closeAll)
	c, err := a.buildPath(format)
	if err != nil {
		t.Fatal(err)
	}
	for name := range loaded.Config.Models {
		m, _, err := a.buildAsked(t.Context(), name, format)
		if err != nil {
			t.Fatal(err)
		}
		picker := balance.New(balance.Target{Model: name, Endpoint: name, Limit: 4}, fake, balance.Deps{})
		m.direct, m.answeredSince = picker, picker.AnsweredSince
		a.limit(m, picker)
		m.trial.version = picker.Version
		m.trial.pass(picker.Version()) // it has answered others
		c.models[name] = m
	}
	c.helpOut(loaded.Config.Flow.Admit.Fallback)
	return a, c
}

const oneModel = `
kafka: {seeds: ["127.0.0.1:9092"]}
models: {m: {rest: {url: "http://127.0.0.1:1/invocations"}, content_type: text/csv}}
flow: {gateway: {event_time: /at}, feature: {fields: [a, b]}, stream: {from: earliest}}
`

func newTestEvent(value string) *event.Event {
	now := time.Now()
	e := &event.Event{ID: "e-1", Key: []byte("k"), Value: []byte(value), Received: now, Deadline: now.Add(time.Minute), Attempts: 1}
	e.Timeline.Start(now)
	e.Timeline.Mark(event.StageQueue, now)
	return e
}

func TestAnAnsweredEventBecomesAPredictionWhoseStagesSumUp(t *testing.T) {
	fake := &modeltest.Fake{Endpoint: "here", Variant: "v", Version: "7", Default: modeltest.Step{Bodies: [][]byte{[]byte("0.25\n")}}}
	c := chainOf(t, oneModel, fake)
	ending := c.work(t.Context(), newTestEvent(`{"a":1,"b":2.5,"at":"2026-01-31T12:00:00Z"}`))
	if ending.Place != event.Predicted {
		t.Fatalf("%s: %v", ending.Place, ending.Err)
	}
	var p event.Prediction
	if err := json.Unmarshal(ending.Value, &p); err != nil {
		t.Fatal(err)
	}
	sum := int64(0)
	for _, us := range p.StagesUS {
		sum += us
	}
	if p.LatencyUS != sum || string(p.Prediction) != "0.25" || p.Model != (event.ModelRef{Name: "m", Endpoint: "here", Variant: "v", Version: "7"}) || p.EventTime.Hour() != 12 {
		t.Errorf("%s", ending.Value)
	}
	if got := string(fake.Calls()[0].Request.Items[0].Body); got != "1,2.5" {
		t.Errorf("the model was asked %q", got)
	}
}

func TestWhatAFailureMeansForTheEvent(t *testing.T) {
	cases := map[string]struct {
		class   model.Class
		place   event.Place
		counted bool
		reason  event.Reason
	}{
		"a throttled endpoint is waited for":             {model.ClassThrottled, event.Unfinished, false, ""},
		"an endpoint that refuses connections likewise":  {model.ClassConnection, event.Unfinished, false, ""},
		"an endpoint that does not exist likewise":       {model.ClassNotFound, event.Unfinished, false, ""},
		"a model that fails may do better again":         {model.ClassModelFault, event.Unfinished, true, event.ReasonModelError},
		"a call without an answer may be the event's":    {model.ClassTimeout, event.Unfinished, true, event.ReasonModelError},
		"garbage may be better the next time":            {model.ClassBadOutput, event.Unfinished, true, event.ReasonBadModelOutput},
		"what the model refuses it will refuse again":    {model.ClassBadInput, event.DeadLetter, false, event.ReasonModelInput},
		"what is too large stays too large":              {model.ClassTooLarge, event.DeadLetter, false, event.ReasonTooLarge},
		"what nobody knows may be the event's own fault": {model.ClassUnknown, event.Unfinished, true, event.ReasonModelError},
	}
	for name, want := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				err := &model.Error{Class: want.class, Endpoint: "m"}
				c := chainOf(t, oneModel, &modeltest.Fake{Default: modeltest.Step{Err: err}})
				got := c.work(t.Context(), newTestEvent(`{"a":1,"b":2}`))
				if got.Place != want.place || got.Counted != want.counted || got.Reason != want.reason {
					t.Errorf("%s counted %v reason %q", got.Place, got.Counted, got.Reason)
				}
			})
		})
	}
}

func TestTheModelsOwnWordsAreKeptOnlyWherePayloadsMayBeShown(t *testing.T) {
	err := &model.Error{Class: model.ClassBadInput, Endpoint: "m", Status: 400, Message: "bad card 4111111111111111"}
	for show, want := range map[string]bool{"keys": false, "none": false, "payloads": true} {
		c := chainOf(t, oneModel+"privacy: {show: "+show+"}\n", &modeltest.Fake{Default: modeltest.Step{Err: err}})
		got := c.work(t.Context(), newTestEvent(`{"a":1,"b":2}`)).Err.Error()
		if strings.Contains(got, "4111") != want || !strings.Contains(got, "bad_input (400)") {
			t.Errorf("show %s: %s", show, got)
		}
	}
}

func TestAnEventThatCannotBeMappedAsksNobody(t *testing.T) {
	fake := &modeltest.Fake{}
	c := chainOf(t, oneModel, fake)
	for value, reason := range map[string]event.Reason{`not json`: event.ReasonUndecodable, `{"a":"x","b":1}`: event.ReasonFeature} {
		if got := c.work(t.Context(), newTestEvent(value)); got.Place != event.DeadLetter || got.Reason != reason {
			t.Errorf("%s: %s %s", value, got.Place, got.Reason)
		}
	}
	if n := len(fake.Calls()); n != 0 {
		t.Errorf("%d calls", n)
	}
}

func TestAnAnswerThatRefusesItsEventEndsItWithTheModelsWords(t *testing.T) {
	refusing := &modeltest.Fake{ContentType: "application/json", Default: modeltest.Step{Bodies: [][]byte{[]byte(`{"predictions":[{"error":"column b"}]}`)}}}
	file := strings.Replace(oneModel, "content_type: text/csv", "content_type: application/json, error_member: MEMBER", 1) + "privacy: {show: payloads}\n"
	got := chainOf(t, strings.Replace(file, "MEMBER", "error", 1), refusing).work(t.Context(), newTestEvent(`{"a":1,"b":2}`))
	if got.Place != event.DeadLetter || got.Reason != event.ReasonModelInput || !strings.Contains(got.Err.Error(), "column b") {
		t.Errorf("%s %s: %v", got.Place, got.Reason, got.Err)
	}
	for _, member := range []string{"off", "refusal"} {
		if got := chainOf(t, strings.Replace(file, "MEMBER", member, 1), refusing).work(t.Context(), newTestEvent(`{"a":1,"b":2}`)); got.Place != event.Predicted {
			t.Errorf("error_member %s: %s", member, got.Place)
		}
	}
}

func TestTryShowsWhatIsAskedAndAnswered(t *testing.T) {
	c := chainOf(t, oneModel, &modeltest.Fake{Default: modeltest.Step{Bodies: [][]byte{[]byte("0.5")}}})
	got := c.try(context.Background(), &event.Event{ID: "x", Value: []byte(`{"a":3,"b":4}`)})
	if got.Model != "m" || string(got.Request) != "3,4" || string(got.Answer) != "0.5" || got.Prediction == nil {
		t.Errorf("%+v", got)
	}
}

func TestAnEventOnWhichTheModelHangsUpUsesUpAttemptsWhileOthersAreAnswered(t *testing.T) {
	fake := &modeltest.Fake{Respond: func(_ context.Context, r *model.Request) modeltest.Step {
		if r.InferenceID == "poison" {
			return modeltest.Step{Fail: model.ClassConnection}
		}
		return modeltest.Step{}
	}}
	c := chainOf(t, oneModel, fake)
	poison := newTestEvent(`{"a":1,"b":2}`)
	poison.ID = "poison"
	if got := c.work(t.Context(), poison); got.Counted {
		t.Error("the first time it may be the endpoint")
	}
	poison.Failed = time.Now()
	if got := c.work(t.Context(), poison); got.Counted {
		t.Error("nobody was answered since: it may be the endpoint")
	}
	poison.Failed = time.Now().Add(-time.Second)
	if got := c.work(t.Context(), newTestEvent(`{"a":1,"b":2}`)); got.Place != event.Predicted {
		t.Fatalf("another event: %s %v", got.Place, got.Err)
	}
	if got := c.work(t.Context(), poison); !got.Counted || got.Reason != event.ReasonModelError {
		t.Errorf("others are answered, this one is not: counted %v, reason %q", got.Counted, got.Reason)
	}
}

func TestAnEventIsNotToBlameForAnEndpointThatAnswersNobodyWhileAnotherDoes(t *testing.T) {
	fake := &modeltest.Fake{Respond: func(_ context.Context, r *model.Request) modeltest.Step {
		return modeltest.Step{Fail: map[string]model.Class{"unlucky": model.ClassConnection}[r.InferenceID]}
	}}
	c := chainOf(t, oneModel, fake)
	works := balance.New(balance.Target{Model: "m", Endpoint: "works", Limit: 4}, &modeltest.Fake{}, balance.Deps{})
	away := balance.New(balance.Target{Model: "m", Endpoint: "away", Limit: 4}, fake, balance.Deps{})
	c.models["m"].answeredSince = func(name string, at time.Time) bool {
		return works.AnsweredSince(name, at) || away.AnsweredSince(name, at)
	}
	if _, err := works.Invoke(t.Context(), &model.Request{Items: make([]model.Item, 1)}); err != nil {
		t.Fatal(err)
	}
	c.models["m"].invoker = away
	e := newTestEvent(`{"a":1,"b":2}`)
	e.ID, e.Failed = "unlucky", time.Now().Add(-time.Minute)
	if got := c.work(t.Context(), e); got.Counted || got.Place != event.Unfinished {
		t.Errorf("%s, counted %v", got.Place, got.Counted)
	}
}

func TestTheInferenceIDOfAnEventIsItsOwnIDWhereAHeaderCanCarryIt(t *testing.T) {
	long := strings.Repeat("x", 65)
	seen := map[string]string{}
	for id, same := range map[string]bool{"payment-7": true, "events:3:17": true, long: false, long + "y": false, "two words": false, "line\r\nbreak": false} {
		got := inferenceID(id)
		if (got == id) != same || len(got) > 64 || strings.ContainsAny(got, " \r\n") || inferenceID(id) != got {
			t.Errorf("%q becomes %q", id, got)
		}
		if other, taken := seen[got]; taken {
			t.Errorf("%q and %q have the same", id, other)
		}
		seen[got] = id
	}
}

const twoModels = `
kafka: {seeds: ["127.0.0.1:9092"]}
models:
  m: {rest: {url: "http://127.0.0.1:1/invocations"}, content_type: text/csv}
  quick: {rest: {url: "http://127.0.0.1:2/invocations"}, content_type: text/csv}
flow: {gateway: {event_time: /at}, feature: {fields: [a, b]}, stream: {from: earliest}, model: m, admit: {late: LATE, fallback: FALLBACK}}
`

func TestWhatBecomesOfAnEventThatItsModelCannotAnswerInTime(t *testing.T) {
	slow := func(_ context.Context, r *model.Request) modeltest.Step {
		if r.Model == "m" {
			return modeltest.Step{Delay: 100 * time.Millisecond}
		}
		return modeltest.Step{Delay: time.Millisecond}
	}
	cases := map[string]struct {
		late, fallback string
		over           bool // its deadline has passed
		place          event.Place
		status         string
		marked         bool // late
	}{
		"it is predicted, and marked":                {"predict", "", false, event.Predicted, "ok", true},
		"it is shed":                                 {"shed", "", false, event.Shed, "", false},
		"another model answers":                      {"shed", "quick", false, event.Predicted, "fallback", false},
		"another model answers where late is served": {"predict", "quick", false, event.Predicted, "fallback", false},
		"no model is asked instead when it is over":  {"shed", "quick", true, event.Shed, "", false},
		"its own is when late is served":             {"predict", "quick", true, event.Predicted, "ok", true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake := &modeltest.Fake{Respond: slow}
				file := strings.NewReplacer("LATE", c.late, "FALLBACK", c.fallback).Replace(twoModels)
				if c.fallback == "" {
					file = strings.Replace(oneModel, "flow: {", "flow: {admit: {late: "+c.late+"}, ", 1)
				}
				path := chainOf(t, file, fake)
				within := func(d time.Duration) *event.Event {
					e := newTestEvent(`{"a":1,"b":2}`)
					e.Deadline = e.Received.Add(d)
					return e
				}
				for range 10 {
					path.work(t.Context(), within(time.Minute)) // so that it is known how long it takes
				}
				go path.work(t.Context(), within(50*time.Millisecond)) // perhaps let in to learn; the next one is not
				synctest.Wait()
				asked := len(fake.Calls())
				e := within(50 * time.Millisecond)
				if c.over {
					e.Deadline = e.Received.Add(-time.Millisecond)
				}
				got := path.work(t.Context(), e)
				var p event.Prediction
				if got.Place == event.Predicted {
					if err := json.Unmarshal(got.Value, &p); err != nil {
						t.Fatal(err)
					}
				}
				if got.Place != c.place || p.Status != c.status || p.Late != c.marked {
					t.Errorf("%s %q late %v: %v", got.Place, p.Status, p.Late, got.Err)
				}
				if n := path.snapshot()[0].Admit; n != nil && (n.Fallbacks > 0) != (c.status == "fallback") {
					t.Errorf("the pulse says %+v", n)
				}
				if got.Place == event.Shed && (got.Reason == "" || got.Stage != event.StageAdmit || len(fake.Calls()) != asked) {
					t.Errorf("reason %q in %s, %d calls", got.Reason, got.Stage, len(fake.Calls())-asked)
				}
			})
		})
	}
}

func TestAFailureOfTheModelThatAnswersInsteadIsNotTheEvents(t *testing.T) {
	fake := &modeltest.Fake{Respond: func(_ context.Context, r *model.Request) modeltest.Step {
		return modeltest.Step{Fail: map[string]model.Class{"quick": model.ClassBadInput}[r.Model]}
	}}
	c := chainOf(t, strings.NewReplacer("LATE", "predict", "FALLBACK", "quick").Replace(twoModels), fake)
	c.models["m"].invoker = refusing{}
	e := newTestEvent(`{"a":1,"b":2}`)
	if got := c.work(t.Context(), e); got.Place != event.Predicted {
		t.Errorf("%s: %v", got.Place, got.Err)
	}
	if all := e.Decisions.All(); len(all) == 0 || all[len(all)-1].What != "no_fallback" {
		t.Errorf("%v", all)
	}
}

// refusing finds everything too late.
type refusing struct{}

func (refusing) Invoke(context.Context, *model.Request) (*model.Response, error) {
	return nil, &model.Error{Class: model.ClassLate, Endpoint: "m"}
}
