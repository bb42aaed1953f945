package admit

import (
	"context"
	"testing"
	"time"

	"betimes/internal/event"
	"betimes/internal/model"
)

type panics struct{}

func (panics) Invoke(context.Context, *model.Request) (*model.Response, error) { panic("bad") }

func TestAnEventWhoseModelPanicsIsInsideNoMore(t *testing.T) {
	l := New(Config{Late: Shed, Backlog: Predict}, panics{}, Deps{Model: "m"})
	for range 3 {
		func() {
			defer func() { _ = recover() }() // as stream
			now := time.Now()
			e := &event.Event{Received: now, Deadline: now.Add(time.Hour)}
			_, _ = l.Invoke(t.Context(), &model.Request{Items: []model.Item{{Event: e, Deadline: e.Deadline}}})
		}()
	}
	if l.inside != 0 {
		t.Errorf("%d are inside", l.inside)
	}
}
