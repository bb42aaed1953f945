package balance

import (
	"context"
	"fmt"
	"testing"
	"time"

	"betimes/internal/event"
	"betimes/internal/model"
)

// free answers at once with the same response.
type free struct{ resp *model.Response }

func (f free) Invoke(context.Context, *model.Request) (*model.Response, error) { return f.resp, nil }

// BenchmarkACallAtLightLoad is what the room adds to a call that waits for nothing.
func BenchmarkACallAtLightLoad(b *testing.B) {
	p := New(Target{Model: "m", Endpoint: "e", Limit: 256}, free{&model.Response{Answers: make([]model.Answer, 1), Endpoint: "e"}}, Deps{})
	e := &event.Event{}
	r := &model.Request{Items: []model.Item{{Event: e, Deadline: time.Now().Add(time.Hour)}}}
	b.ReportAllocs()
	for b.Loop() {
		e.Timeline.Start(time.Now())
		if _, err := p.Invoke(b.Context(), r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkACallToOneOfTen is the same with ten endpoints to choose from.
func BenchmarkACallToOneOfTen(b *testing.B) {
	var routes []Route
	for i := range 10 {
		routes = append(routes, Route{Target{Model: "m", Endpoint: fmt.Sprint("e", i), Limit: 256}, free{&model.Response{Answers: make([]model.Answer, 1), Endpoint: "e"}}})
	}
	p := Among(DefaultConfig(), routes, Deps{})
	b.ReportAllocs()
	for b.Loop() {
		e := event.Event{}
		e.Timeline.Start(time.Now())
		if _, err := p.Invoke(b.Context(), &model.Request{Items: []model.Item{{Event: &e, Deadline: time.Now().Add(time.Hour)}}}); err != nil {
			b.Fatal(err)
		}
	}
}
