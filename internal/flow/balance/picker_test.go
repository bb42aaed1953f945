package balance

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
	"betimes/internal/model"
	"betimes/internal/model/modeltest"
)

func TestThePickerPassesTheExerciseOfEveryInvoker(t *testing.T) {
	modeltest.Exercise(t, func(t *testing.T, b modeltest.Behaviour) model.Invoker {
		return New(Target{Model: "m", Endpoint: "e", Limit: max(b.Calls, 4)}, modeltest.Scripted(t, b), Deps{})
	}, model.ClassModelFault, model.ClassBadInput, model.ClassTimeout)
}

// answers is an endpoint that takes its time and says so.
type answers struct{ total, queue, compute time.Duration }

func (a answers) Invoke(_ context.Context, r *model.Request) (*model.Response, error) {
	time.Sleep(a.total)
	return &model.Response{
		Answers: make([]model.Answer, len(r.Items)),
		Times:   model.Times{Total: a.total, Queue: a.queue, Compute: a.compute, Server: a.compute > 0},
	}, nil
}

func TestTheEventSaysWhereTheTimeOfItsCallWent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Target{Model: "m", Endpoint: "e", Limit: 1}, answers{10 * time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond}, Deps{})
		call := func() *event.Event {
			e := &event.Event{}
			e.Timeline.Start(time.Now())
			if _, err := p.Invoke(t.Context(), &model.Request{Items: []model.Item{{Event: e}}}); err != nil {
				t.Error(err)
			}
			return e
		}
		go call()
		synctest.Wait()
		e := call() // waits for the first to give its slot back
		want := map[event.Stage]time.Duration{event.StageBalance: 10 * time.Millisecond, event.StageNetwork: 3 * time.Millisecond, event.StageModel: 7 * time.Millisecond}
		for s, d := range want {
			if got, _ := e.Timeline.Spent(s); got != d {
				t.Errorf("%s took %v, want %v", s, got, d)
			}
		}
		if s := p.Snapshots()[0]; s.Invocations["ok"] != 2 || !s.Up || s.InFlight != 0 {
			t.Errorf("snapshot %+v", s)
		}
	})
}

// refuses is an endpoint that fails.
type refuses struct{ class model.Class }

func (r refuses) Invoke(context.Context, *model.Request) (*model.Response, error) {
	return nil, &model.Error{Class: r.class, Endpoint: "e"}
}

func TestAnEndpointIsDownWhileOnlyItselfIsToBlame(t *testing.T) {
	request := &model.Request{Items: []model.Item{{}}}
	p := New(Target{Model: "m", Endpoint: "e", Limit: 1}, refuses{model.ClassConnection}, Deps{})
	_, _ = p.Invoke(t.Context(), request)
	if p.Err() == nil || p.Snapshots()[0].Up {
		t.Error("a refused connection leaves the endpoint up")
	}
	p.endpoints[0].door = refuses{model.ClassBadInput}
	_, _ = p.Invoke(t.Context(), request)
	if p.Err() != nil {
		t.Error("an endpoint that refuses one event counts as down")
	}
}

func TestNoCallBeginsAfterTheLatestMomentForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &modeltest.Fake{Default: modeltest.Step{Delay: 10 * time.Millisecond}}
		p := New(Target{Model: "m", Endpoint: "e", Limit: 1}, fake, Deps{})
		began := time.Now()
		ask := func(latest time.Duration) error {
			_, err := p.Invoke(t.Context(), &model.Request{Items: []model.Item{{Latest: began.Add(latest)}}})
			return err
		}
		go func() { _ = ask(time.Hour) }()
		synctest.Wait()
		if err := ask(5 * time.Millisecond); model.ClassOf(err) != model.ClassLate || time.Since(began) != 5*time.Millisecond {
			t.Errorf("in line until %v: %v", time.Since(began), err)
		}
		if err := ask(20 * time.Millisecond); err != nil {
			t.Errorf("one whose slot was free in time: %v", err)
		}
		if err := ask(20 * time.Millisecond); model.ClassOf(err) != model.ClassLate {
			t.Errorf("the moment itself is too late: %v", err)
		}
		if n := len(fake.Calls()); n != 2 {
			t.Errorf("%d calls", n)
		}
		if free, limit, _ := p.Capacity(); free != limit || p.Err() != nil {
			t.Errorf("%d of %d free, %v", free, limit, p.Err())
		}
	})
}
