package admit

import (
	"context"
	"testing"
	"time"

	"betimes/internal/budget"
	"betimes/internal/event"
	"betimes/internal/model"
)

// instant answers at once with one answer.
type instant struct{ resp *model.Response }

func (i instant) Invoke(_ context.Context, r *model.Request) (*model.Response, error) {
	r.Items[0].Event.Timeline.Mark(event.StageNetwork, time.Now())
	return i.resp, nil
}

func BenchmarkLimiter(b *testing.B) {
	l := New(Config{Late: Shed, Backlog: Predict}, instant{&model.Response{Answers: make([]model.Answer, 1)}}, Deps{Model: "m", Live: &budget.Live{}})
	b.ReportAllocs()
	for b.Loop() {
		now := time.Now()
		e := &event.Event{Received: now, Deadline: now.Add(time.Second)}
		e.Timeline.Start(now)
		if _, err := l.Invoke(b.Context(), &model.Request{Items: []model.Item{{Event: e}}}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLive(b *testing.B) {
	var live budget.Live
	var line event.Timeline
	now := time.Now()
	line.Start(now)
	for s := range event.StageAsync {
		line.Mark(s, now.Add(time.Duration(s)*time.Millisecond))
	}
	b.ReportAllocs()
	for b.Loop() {
		live.Observe(&line, time.Now())
	}
}
