package balance

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
	"betimes/internal/model"
	"betimes/internal/model/modeltest"
)

// timed is a request whose event has so much time left; 0: no deadline.
func timed(left time.Duration) *model.Request {
	r := &model.Request{ContentType: "text/csv", Items: []model.Item{{Event: &event.Event{}, Body: []byte("1")}}}
	r.Items[0].Event.Timeline.Start(time.Now())
	if left > 0 {
		r.Items[0].Deadline = time.Now().Add(left)
	}
	return r
}

func TestWhatIsAskedAgain(t *testing.T) {
	refused := func(c model.Class, again bool) modeltest.Step {
		return modeltest.Step{Err: &model.Error{Class: c, Endpoint: "e", Again: again}}
	}
	for _, tt := range []struct {
		name        string
		first       modeltest.Step
		left        time.Duration
		calls       int
		least, most time.Duration
	}{
		{"throttled", refused(model.ClassThrottled, false), time.Minute, 2, 20 * time.Millisecond, 100 * time.Millisecond},
		{"throttled and late: late events are served too", refused(model.ClassThrottled, false), time.Nanosecond, 2, 20 * time.Millisecond, 100 * time.Millisecond},
		{"not ready", refused(model.ClassNotReady, false), time.Minute, 2, time.Second, time.Second},
		{"not ready, less than a second left", refused(model.ClassNotReady, false), 500 * time.Millisecond, 1, 0, 0},
		{"unavailable", refused(model.ClassUnavailable, false), time.Minute, 2, 0, 25 * time.Millisecond},
		{"unavailable and late", refused(model.ClassUnavailable, false), time.Nanosecond, 1, 0, 0},
		{"no connection", refused(model.ClassConnection, false), time.Minute, 2, 0, 25 * time.Millisecond},
		{"a used connection that ended", refused(model.ClassConnection, true), time.Nanosecond, 2, 0, 0},
		{"denied", refused(model.ClassDenied, false), time.Minute, 1, 0, 0},
		{"denied, and the credentials renewed", refused(model.ClassDenied, true), time.Minute, 2, 0, 0},
		{"the model failed", refused(model.ClassModelFault, false), time.Minute, 1, 0, 0},
		{"the model refused the event", refused(model.ClassBadInput, false), time.Minute, 1, 0, 0},
		{"a bad answer", refused(model.ClassBadOutput, false), time.Minute, 1, 0, 0},
		{"no answer in time", refused(model.ClassTimeout, false), time.Minute, 1, 0, 0},
		{"no such endpoint", refused(model.ClassNotFound, false), time.Minute, 1, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake := (&modeltest.Fake{}).Script(tt.first)
				p := New(Target{Endpoint: "e", Limit: 4}, fake, Deps{})
				_, err := p.Invoke(t.Context(), timed(tt.left))
				calls := fake.Calls()
				if len(calls) != tt.calls || (err == nil) != (tt.calls == 2) {
					t.Fatalf("%d calls, %v", len(calls), err)
				}
				if pause := calls[len(calls)-1].At.Sub(calls[0].At); pause < tt.least || pause > tt.most {
					t.Errorf("asked again after %v", pause)
				}
			})
		})
	}
}

func TestALateEventIsAskedElsewhereOnlyWhereItWouldBeToBlame(t *testing.T) {
	for name, c := range map[string]struct {
		class  model.Class
		latest bool // no call may begin any more
		want   bool // it is answered
	}{
		"a bad answer":                  {model.ClassBadOutput, false, true},
		"a fault of the model":          {model.ClassModelFault, false, true},
		"no answer":                     {model.ClassTimeout, false, true},
		"an endpoint that is away":      {model.ClassUnavailable, false, false},
		"what the model refuses":        {model.ClassBadInput, false, false},
		"a bad answer, and it is shed":  {model.ClassBadOutput, true, false},
		"load, which is waited out too": {model.ClassThrottled, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bad, good := &modeltest.Fake{Default: modeltest.Step{Delay: time.Second, Fail: c.class}}, &modeltest.Fake{}
				p := Among(DefaultConfig(), []Route{{Target{Model: "m", Endpoint: "bad", Limit: 4}, bad}, {Target{Model: "m", Endpoint: "good", Limit: 4}, good}}, Deps{})
				r := timed(time.Millisecond)
				if c.latest {
					r.Items[0].Latest = r.Items[0].Deadline
				}
				_, err := p.Invoke(t.Context(), r)
				if (err == nil) != c.want || len(bad.Calls()) != 1 {
					t.Errorf("%v after %d calls and %d elsewhere", err, len(bad.Calls()), len(good.Calls()))
				}
			})
		})
	}
}

func TestWhatADoorAdvisesIsDoneOnce(t *testing.T) {
	fake := &modeltest.Fake{Default: modeltest.Step{Err: &model.Error{Class: model.ClassDenied, Again: true}}}
	p := New(Target{Endpoint: "e", Limit: 4}, fake, Deps{})
	if _, err := p.Invoke(t.Context(), timed(time.Minute)); model.ClassOf(err) != model.ClassDenied || len(fake.Calls()) != 2 {
		t.Errorf("%d calls, %v", len(fake.Calls()), err)
	}
}

func TestRetriesAfterFaultsAreAShareOfAllCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &modeltest.Fake{Default: modeltest.Step{Fail: model.ClassUnavailable}}
		shared := NewAllowance(Config{Retries: 0.1})
		one, two := New(Target{Endpoint: "a", Limit: 4}, fake, Deps{Allowance: shared}), New(Target{Endpoint: "b", Limit: 4}, fake, Deps{Allowance: shared})
		for range 500 {
			_, _ = one.Invoke(t.Context(), timed(0))
			_, _ = two.Invoke(t.Context(), timed(0))
		}
		if n := len(fake.Calls()); n < 1100 || n > 1130 {
			t.Errorf("%d calls for 1000", n)
		}
	})
}

func TestWithoutAnAllowanceNoFaultIsAskedAgain(t *testing.T) {
	fake := &modeltest.Fake{Default: modeltest.Step{Fail: model.ClassUnavailable}}
	p := New(Target{Endpoint: "e", Limit: 4}, fake, Deps{Allowance: NewAllowance(Config{})})
	if _, err := p.Invoke(t.Context(), timed(time.Minute)); err == nil || len(fake.Calls()) != 1 {
		t.Errorf("%d calls, %v", len(fake.Calls()), err)
	}
}

func TestAShareOfAllCallsMayBeSmall(t *testing.T) {
	a := NewAllowance(Config{Retries: 0.0005, Hedge: &HedgeConfig{Budget: 0.0029}})
	for a.spend() { // those to begin with
	}
	retries, hedges := 0, 0
	for range 20_000 {
		if a.earn(); a.spend() {
			retries++
		}
		if a.spendHedge() {
			hedges++
		}
	}
	if retries != 10 || hedges != 58 {
		t.Errorf("%d retries and %d second calls for 20000", retries, hedges)
	}
}

func TestACallBetweenTwoTriesHoldsNoSlotAndComesBackFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var order []string
		fake := &modeltest.Fake{Respond: func(_ context.Context, r *model.Request) modeltest.Step {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, string(r.Items[0].Body))
			if len(order) == 1 {
				return modeltest.Step{Fail: model.ClassNotReady}
			}
			return modeltest.Step{Delay: 600 * time.Millisecond}
		}}
		p := New(Target{Endpoint: "e", Limit: 1}, fake, Deps{})
		for _, body := range []string{"a", "b", "c", "d"} {
			go func() {
				r := timed(time.Minute)
				r.Items[0].Body = []byte(body)
				if _, err := p.Invoke(t.Context(), r); err != nil {
					t.Error(err)
				}
			}()
			synctest.Wait()
		}
		if free, limit, _ := p.Capacity(); free != 0 || limit != 1 {
			t.Errorf("free %d of %d", free, limit)
		}
		time.Sleep(time.Minute)
		mu.Lock()
		defer mu.Unlock()
		if got := order; len(got) != 5 || got[3] != "a" {
			t.Errorf("asked in the order %v", got)
		}
		if free, _, service := p.Capacity(); free != 1 || service != 600*time.Millisecond {
			t.Errorf("free %d, a call takes %v", free, service)
		}
	})
}

func TestTheTimelineTellsARefusalFromAFault(t *testing.T) {
	for class, want := range map[model.Class]event.Stage{model.ClassThrottled: event.StageBalance, model.ClassNotReady: event.StageRetry} {
		synctest.Test(t, func(t *testing.T) {
			fake := (&modeltest.Fake{}).Script(modeltest.Step{Delay: 5 * time.Millisecond, Fail: class}, modeltest.Step{Delay: 7 * time.Millisecond})
			r := timed(time.Minute)
			began := time.Now()
			if _, err := New(Target{Endpoint: "e", Limit: 1}, fake, Deps{}).Invoke(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			line := &r.Items[0].Event.Timeline
			model, _ := line.Spent(event.StageModel)
			if spent, _ := line.Spent(want); spent < 5*time.Millisecond || model != 7*time.Millisecond || line.Total() != time.Since(began).Truncate(time.Microsecond) {
				t.Errorf("%s: %s", class, line.AppendHeader(nil))
			}
		})
	}
}

func TestACallThatIsCalledOffBetweenTwoTriesLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := (&modeltest.Fake{}).Script(modeltest.Step{Fail: model.ClassNotReady})
		p := New(Target{Endpoint: "e", Limit: 1}, fake, Deps{})
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error)
		go func() {
			_, err := p.Invoke(ctx, timed(time.Minute))
			failed <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-failed; model.ClassOf(err) != model.ClassCanceled {
			t.Errorf("got %v", err)
		}
		if free, _, _ := p.Capacity(); free != 1 {
			t.Errorf("%d slots are free", free)
		}
	})
}
