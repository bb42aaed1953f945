package batch

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/model"
	"betimes/internal/model/modeltest"
)

func TestAModelThatAnswersOtherwiseTogetherIsAskedAloneAndSaysSo(t *testing.T) {
	for name, respond := range map[string]func(bodies []string) modeltest.Step{
		"another order": func(bodies []string) modeltest.Step {
			slices.Reverse(bodies)
			return answers(bodies)
		},
		"another number of answers": func([]string) modeltest.Step { return modeltest.Step{Fail: model.ClassBadOutput} },
		"other values": func(bodies []string) modeltest.Step {
			for i := range bodies {
				bodies[i] += "5"
			}
			return answers(bodies)
		},
		"it takes one at a time": func([]string) modeltest.Step { return modeltest.Step{Fail: model.ClassBadInput} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &modeltest.Fake{Respond: func(_ context.Context, r *model.Request) modeltest.Step {
					step := modeltest.Step{}
					if len(r.Items) > 1 {
						step = respond(bodiesOf(r))
					}
					step.Delay = 10 * time.Millisecond
					return step
				}}
				e := &busy{Fake: f, takes: 2, version: "1"}
				q := queue(t, DefaultConfig(), e)
				for range 3 {
					answered(t, ask(t, q, numbers(12)...), numbers(12)...)
				}
				together := func() (n int) {
					for _, s := range sizes(f, 0) {
						if s > 1 {
							n++
						}
					}
					return n
				}
				if n := together(); n != 2 || found(q) != apart { // once is chance
					t.Errorf("%d calls about more than one", n)
				}
				synctest.Wait() // nobody looks at the version now
				e.version = "2" // may be another
				answered(t, ask(t, q, numbers(12)...), numbers(12)...)
				time.Sleep(time.Second)
				if n := together(); n == 2 {
					t.Errorf("the next version: %d calls about more than one", n)
				}
			})
		})
	}
}

func bodiesOf(r *model.Request) []string {
	var out []string
	for i := range r.Items {
		out = append(out, string(r.Items[i].Body))
	}
	return out
}

func answers(bodies []string) modeltest.Step {
	var s modeltest.Step
	for _, b := range bodies {
		s.Bodies = append(s.Bodies, []byte(b))
	}
	return s
}

func TestAModelThatBeginsToSwapIsFoundByTheNextComparison(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		swaps := false
		f := &modeltest.Fake{Respond: func(_ context.Context, r *model.Request) modeltest.Step {
			bodies := bodiesOf(r)
			if swaps && len(bodies) > 1 {
				slices.Reverse(bodies)
			}
			s := answers(bodies)
			s.Delay = time.Millisecond
			return s
		}}
		q := queue(t, Config{MaxEvents: 2, MaxBytes: 1 << 20}, &busy{Fake: f, takes: 1})
		warm(t, q)
		swaps = true
		for i := 0; i <= everySoMay+2 && found(q) != apart; i++ { // looked at once, then compared twice
			ask(t, q, "1", "2", "3")
		}
		if found(q) != apart {
			t.Error("not found")
		}
	})
}

func TestThatAModelStillAnswersTogetherAsAloneCostsOneSmallCallOfAThousand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &modeltest.Fake{Respond: func(_ context.Context, r *model.Request) modeltest.Step {
			s := answers(bodiesOf(r))
			s.Delay = time.Millisecond
			return s
		}}
		q := queue(t, Config{MaxEvents: 2, MaxBytes: 1 << 20}, &busy{Fake: f, takes: 1})
		warm(t, q)
		before := len(sizes(f, 0))
		for range everySoMay {
			ask(t, q, "1", "2", "3") // the first alone, the others together
		}
		time.Sleep(time.Second) // of the bubble: it may still be under way
		if more := len(sizes(f, 0)) - before - 2*everySoMay; more != 1 {
			t.Errorf("%d more calls, want 1", more)
		}
	})
}

func TestOneCallThatWentWrongPartsNobodyForGood(t *testing.T) {
	for name, wrong := range map[string]modeltest.Step{
		"a fault":                     {Fail: model.ClassModelFault},
		"an answer that is none":      {Fail: model.ClassBadOutput},
		"answers of another endpoint": answers([]string{"7", "7"}),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var once sync.Once
				f := &modeltest.Fake{Respond: func(_ context.Context, r *model.Request) modeltest.Step {
					s := answers(bodiesOf(r))
					if len(r.Items) > 1 {
						once.Do(func() { s = wrong })
					}
					s.Delay = time.Millisecond
					return s
				}}
				q := queue(t, Config{MaxEvents: 2, MaxBytes: 1 << 20}, &busy{Fake: f, takes: 1})
				for range 10 {
					answered(t, ask(t, q, numbers(6)...), numbers(6)...)
				}
				if found(q) != same {
					t.Errorf("it is taken for %v", found(q))
				}
			})
		})
	}
}

// replaced is busy with version 1, and then with version 2.
type replaced struct {
	*busy
	now atomic.Bool
}

func (r *replaced) Version() string {
	if r.now.Load() {
		return "2"
	}
	return "1"
}

func TestWhatAComparisonFoundIsNotSaidOfTheVersionThatCameMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &replaced{busy: &busy{takes: 1}}
		e.Fake = &modeltest.Fake{Respond: func(_ context.Context, r *model.Request) modeltest.Step {
			bodies := bodiesOf(r)
			if len(bodies) > 1 && e.now.Load() { // it swaps
				slices.Reverse(bodies)
			}
			s := answers(bodies)
			s.Delay = 10 * time.Millisecond
			return s
		}}
		q := queue(t, Config{MaxEvents: 2, MaxBytes: 1 << 20}, e)
		var wg sync.WaitGroup
		wg.Go(func() { ask(t, q, "1", "2", "3") })
		time.Sleep(25 * time.Millisecond) // asked together, not answered
		e.now.Store(true)
		wg.Go(func() { _, _ = q.Invoke(t.Context(), request("4")) })
		wg.Wait()
		answered(t, ask(t, q, numbers(6)...), numbers(6)...)
	})
}
