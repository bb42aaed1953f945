package batch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
	"betimes/internal/model"
	"betimes/internal/model/modeltest"
)

// busy is an endpoint that takes so many calls at once, before a fake model.
type busy struct {
	*modeltest.Fake
	takes   int
	version string
}

func (b *busy) Capacity() (free, limit int, service time.Duration) {
	now, _ := b.InFlight()
	return max(b.takes-now, 0), b.takes, time.Millisecond
}

func (b *busy) Version() string { return b.version }

// Invoke marks as balance does.
func (b *busy) Invoke(ctx context.Context, r *model.Request) (*model.Response, error) {
	resp, err := b.Fake.Invoke(ctx, r)
	for i := range r.Items {
		if e := r.Items[i].Event; e != nil {
			e.Timeline.Mark(event.StageNetwork, time.Now())
		}
	}
	return resp, err
}

func queue(t *testing.T, c Config, e Endpoint) *Queue {
	codec, err := model.CodecFor("text/csv")
	if err != nil {
		t.Fatal(err)
	}
	return New(c, e, Deps{Model: "m", Codec: codec})
}

func TestAQueuePassesTheExerciseOfEveryInvoker(t *testing.T) {
	modeltest.Exercise(t, func(t *testing.T, b modeltest.Behaviour) model.Invoker {
		return queue(t, DefaultConfig(), &scripted{modeltest.Scripted(t, b), max(b.Calls, 4)})
	}, model.ClassModelFault, model.ClassBadInput, model.ClassThrottled, model.ClassConnection)
}

type scripted struct {
	model.Invoker
	takes int
}

func (s *scripted) Capacity() (int, int, time.Duration) { return s.takes, s.takes, 0 }
func (s *scripted) Version() string                     { return "" }

func request(body string) *model.Request {
	e := &event.Event{ID: body, Attempts: 1}
	e.Timeline.Start(time.Now())
	return &model.Request{ContentType: "text/csv", InferenceID: body, Items: []model.Item{{Event: e, Body: []byte(body)}}}
}

// result is what an owner got.
type result struct {
	resp *model.Response
	err  error
	took time.Duration
	line event.Timeline
}

// ask asks about all bodies at once, in their order.
func ask(t *testing.T, q *Queue, bodies ...string) []result {
	t.Helper()
	out := make([]result, len(bodies))
	var wg sync.WaitGroup
	for i, body := range bodies {
		wg.Go(func() {
			r, began := request(body), time.Now()
			resp, err := q.Invoke(t.Context(), r)
			out[i] = result{resp, err, time.Since(began), r.Items[0].Event.Timeline}
		})
		synctest.Wait()
	}
	wg.Wait()
	return out
}

// warm compares, so that what comes is batched.
func warm(t *testing.T, q *Queue) {
	t.Helper()
	answered(t, ask(t, q, "100", "101", "102"), "100", "101", "102")
	time.Sleep(time.Second) // asked together too
	if found(q) != same {
		t.Fatal("the model is not taken to answer together as alone")
	}
}

// found is what the Queue thinks of its model.
func found(q *Queue) state {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.compare.state
}

func answered(t *testing.T, got []result, want ...string) {
	t.Helper()
	for i, r := range got {
		if r.err != nil || string(r.resp.Answers[0].Body) != want[i] {
			t.Errorf("event %d: got %+v, %v; want %s", i, r.resp, r.err, want[i])
		}
	}
}

func numbers(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprint(i)
	}
	return out
}

// slow is a fake whose calls take a tenth of a second.
func slow() *modeltest.Fake {
	return &modeltest.Fake{Endpoint: "e", Default: modeltest.Step{Delay: 100 * time.Millisecond}}
}

// sizes are how many events each call was about.
func sizes(f *modeltest.Fake, from int) []int {
	var out []int
	for _, c := range f.Calls()[from:] {
		out = append(out, len(c.Request.Items))
	}
	return out
}

func TestWhatWaitsSharesTheNextCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := slow()
		q := queue(t, Config{MaxEvents: 4, MaxBytes: 1 << 20}, &busy{Fake: f, takes: 1})
		warm(t, q)
		from, before := len(f.Calls()), q.Snapshot()
		time.AfterFunc(50*time.Millisecond, func() { // the first call is under way, seven wait
			if s := q.Snapshot(); s.UnderWay != 1 || s.Limit != 1 || s.Waiting != 7 || len(s.Lanes) != 1 || s.Lanes[0].Waiting != 7 || s.Lanes[0].OldestUS != 50_000 {
				t.Errorf("meanwhile %+v", s)
			}
		})
		got := ask(t, q, numbers(8)...)
		answered(t, got, numbers(8)...)
		after := q.Snapshot()
		if n := after.Events - before.Events; n != 8 || after.Reasons[alone]-before.Reasons[alone] != 1 || after.Reasons["full"] != 1 || after.Reasons["free"]-before.Reasons["free"] != 1 || after.Sizes[2] != 2 {
			t.Errorf("%d events, then %+v", n, after)
		}
		if s := sizes(f, from); !slices.Equal(s, []int{1, 4, 3}) {
			t.Errorf("calls about %v events", s)
		}
		for i, want := range []struct{ batch, turn int }{{0, 1}, {4, 2}, {4, 2}, {4, 2}, {4, 2}, {3, 3}, {3, 3}, {3, 3}} {
			if got[i].resp.Batch != want.batch || got[i].took != time.Duration(want.turn)*100*time.Millisecond {
				t.Errorf("event %d shared with %d, after %v", i, got[i].resp.Batch, got[i].took)
			}
			waited, _ := got[i].line.Spent(event.StageBatch)
			if got[i].line.Total() != got[i].took || waited != got[i].took-100*time.Millisecond {
				t.Errorf("event %d: %s of %v", i, got[i].line.AppendHeader(nil), got[i].took)
			}
		}
	})
}

func TestBytesBoundACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := slow()
		q := queue(t, Config{MaxEvents: 64, MaxBytes: 10}, &busy{Fake: f, takes: 1})
		warm(t, q)
		from := len(f.Calls())
		answered(t, ask(t, q, "1", "22222", "3333", "4", "123456789012345", "5"), "1", "22222", "3333", "4", "123456789012345", "5")
		if s := sizes(f, from); !slices.Equal(s, []int{1, 2, 1, 1, 1}) {
			t.Errorf("calls about %v events", s)
		}
	})
}

// broken answers all bodies but some, whose calls fail with class.
func broken(class model.Class, bad ...string) *modeltest.Fake {
	return &modeltest.Fake{Endpoint: "e", Respond: func(_ context.Context, r *model.Request) modeltest.Step {
		for i := range r.Items {
			if slices.Contains(bad, string(r.Items[i].Body)) {
				return modeltest.Step{Delay: 10 * time.Millisecond, Err: &model.Error{Class: class, Endpoint: "e", Status: 424, Message: "column 3"}}
			}
		}
		return modeltest.Step{Delay: 10 * time.Millisecond}
	}}
}

func TestOneBrokenEventOfManyIsFoundAndTheOthersAreAnswered(t *testing.T) {
	for _, class := range []model.Class{model.ClassBadInput, model.ClassModelFault, model.ClassBadOutput, model.ClassTooLarge} {
		for _, bad := range []int{1, 2, 17, 31, 32} {
			synctest.Test(t, func(t *testing.T) {
				f := broken(class, fmt.Sprint(bad))
				q := queue(t, Config{MaxEvents: 32, MaxBytes: 1 << 20}, &busy{Fake: f, takes: 1})
				warm(t, q)
				from := len(f.Calls())
				got := ask(t, q, numbers(33)...) // the first goes alone
				if n := len(f.Calls()) - from - 1; n > 11 {
					t.Errorf("%s of event %d: %d calls", class, bad, n)
				}
				for i, r := range got {
					if i != bad && (r.err != nil || string(r.resp.Answers[0].Body) != fmt.Sprint(i)) {
						t.Errorf("%s of event %d: event %d got %v", class, bad, i, r.err)
					}
					if i == bad && model.ClassOf(r.err) != class {
						t.Errorf("%s: the event itself got %v", class, r.err)
					}
					if r.line.Total() != r.took {
						t.Errorf("event %d: %s of %v", i, r.line.AppendHeader(nil), r.took)
					}
				}
			})
		}
	}
}

func TestOfManyBrokenEventsNoneTakesAnotherWithItForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad := []string{"3", "9", "14", "27", "31"}
		f := broken(model.ClassBadInput, bad...)
		q := queue(t, Config{MaxEvents: 32, MaxBytes: 1 << 20}, &busy{Fake: f, takes: 1})
		warm(t, q)
		from := len(f.Calls())
		for i, r := range ask(t, q, numbers(33)...) {
			if class := model.ClassOf(r.err); !slices.Contains(bad, fmt.Sprint(i)) && class.OfEvent() {
				t.Errorf("event %d ends for the fault of another: %v", i, r.err)
			}
		}
		if n := len(f.Calls()) - from - 1; n > 11 {
			t.Errorf("%d calls", n)
		}
	})
}

func TestAnEventThatFailedBeforeIsAskedAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := slow()
		q := queue(t, DefaultConfig(), &busy{Fake: f, takes: 1})
		warm(t, q)
		from := len(f.Calls())
		for _, body := range numbers(3) {
			go func() { _, _ = q.Invoke(t.Context(), request(body)) }()
		}
		synctest.Wait()
		again := request("again")
		again.Items[0].Event.Attempts = 2
		if _, err := q.Invoke(t.Context(), again); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		for _, c := range f.Calls()[from:] {
			if len(c.Request.Items) > 1 && slices.ContainsFunc(c.Request.Items, func(it model.Item) bool { return string(it.Body) == "again" }) {
				t.Error("it was asked with others")
			}
		}
	})
}

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

func TestWhoGivesUpFreesItsPlaceAndTheLastOneTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &modeltest.Fake{Default: modeltest.Step{Delay: time.Minute}}
		e := &busy{Fake: f, takes: 1}
		q := queue(t, DefaultConfig(), e)
		q.compare = comparison{known: true, state: same}
		ctx, cancel := context.WithCancel(t.Context())
		errs := make(chan error, 5)
		for i := range 5 {
			go func() {
				_, err := q.Invoke(ctx, request(fmt.Sprint(i)))
				errs <- err
			}()
			synctest.Wait()
		}
		time.Sleep(90 * time.Second) // one alone is answered, four share a call
		cancel()
		for range 5 {
			if err := <-errs; err != nil && (model.ClassOf(err) != model.ClassCanceled || !errors.Is(err, context.Canceled)) {
				t.Errorf("got %v", err)
			}
		}
		synctest.Wait()
		if now, _ := f.InFlight(); now != 0 || q.calls != 0 || q.waiting != 0 {
			t.Errorf("%d calls in flight, %d counted, %d wait", now, q.calls, q.waiting)
		}
		f.Default = modeltest.Step{}
		answered(t, ask(t, q, "7"), "7")
	})
}

func TestAPanicEndsItsCallOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &modeltest.Fake{Respond: func(_ context.Context, r *model.Request) modeltest.Step {
			if bytes.Equal(r.Items[0].Body, []byte("1")) && len(r.Items) > 1 {
				panic("of a door")
			}
			return modeltest.Step{Delay: 10 * time.Millisecond}
		}}
		q := queue(t, DefaultConfig(), &busy{Fake: f, takes: 1})
		warm(t, q)
		got := ask(t, q, "0", "1", "2")
		if got[1].err == nil || !strings.Contains(got[2].err.Error(), "internal error") {
			t.Errorf("got %v", got[1].err)
		}
		answered(t, ask(t, q, "3", "4", "5"), "3", "4", "5")
	})
}

func TestALoneCallThatPanicsIsUnderWayNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &modeltest.Fake{Respond: func(_ context.Context, r *model.Request) modeltest.Step {
			if bytes.Equal(r.Items[0].Body, []byte("1")) {
				panic("of a door")
			}
			return modeltest.Step{Delay: 10 * time.Millisecond}
		}}
		q := queue(t, DefaultConfig(), &busy{Fake: f, takes: 1})
		for range 2 {
			func() {
				defer func() { _ = recover() }() // as stream
				_, _ = q.Invoke(t.Context(), request("1"))
			}()
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := q.Invoke(ctx, request("2")); err != nil {
			t.Errorf("the next one: %v, %d calls are under way", err, q.calls)
		}
	})
}

func TestACallThatTakesTooLongIsMadeSmaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &modeltest.Fake{Respond: func(_ context.Context, r *model.Request) modeltest.Step {
			if len(r.Items) > 4 {
				return modeltest.Step{Fail: model.ClassTimeout, Delay: 10 * time.Millisecond}
			}
			return modeltest.Step{Delay: 10 * time.Millisecond}
		}}
		q := queue(t, Config{MaxEvents: 16, MaxBytes: 1 << 20}, &busy{Fake: f, takes: 1})
		warm(t, q)
		answered(t, ask(t, q, numbers(17)...), numbers(17)...)
		from := len(f.Calls())
		answered(t, ask(t, q, numbers(17)...), numbers(17)...)
		if s := slices.Max(sizes(f, from)); s > 5 {
			t.Errorf("still calls about %d events", s)
		}
	})
}

func TestAMemberLeavesTheLineWhenItIsTooLateToAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &modeltest.Fake{Default: modeltest.Step{Delay: 10 * time.Millisecond}}
		q := queue(t, DefaultConfig(), &busy{Fake: fake, takes: 1})
		began := time.Now()
		var late, free error
		var done sync.WaitGroup
		ask := func(body string, latest time.Duration, err *error) {
			r := request(body)
			r.Items[0].Latest = began.Add(latest)
			done.Go(func() { _, *err = q.Invoke(t.Context(), r) })
			synctest.Wait()
		}
		var first error
		ask("1", time.Hour, &first)
		ask("2", 5*time.Millisecond, &late)
		ask("3", 15*time.Millisecond, &free)
		done.Wait()
		if first != nil || model.ClassOf(late) != model.ClassLate || free != nil {
			t.Errorf("the first %v, the late one %v, the one in time %v", first, late, free)
		}
		if n := len(fake.Calls()); n != 2 {
			t.Errorf("%d calls", n)
		}
	})
}

func TestMatesAreAskedWithoutTheOneForWhichItIsTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		fake := &modeltest.Fake{Respond: func(_ context.Context, r *model.Request) modeltest.Step {
			if latest := r.Latest(); !latest.IsZero() && !time.Now().Before(latest) {
				return modeltest.Step{Fail: model.ClassLate} // as balance, after a wait of its own
			}
			for _, it := range r.Items {
				asked = append(asked, string(it.Body))
			}
			return modeltest.Step{}
		}}
		q := queue(t, DefaultConfig(), &busy{Fake: fake, takes: 1})
		var members []*member
		for _, body := range []string{"1", "2", "3"} {
			members = append(members, &member{request: request(body), told: make(chan told, 1)})
		}
		members[1].request.Items[0].Latest = time.Now()
		q.calls = 1
		newGroup(q, members, &flight{}).run()
		for i, m := range members {
			got := <-m.told
			if (i == 1) != (model.ClassOf(got.err) == model.ClassLate) || i != 1 && got.err != nil {
				t.Errorf("member %d: %v", i+1, got.err)
			}
		}
		if strings.Join(asked, " ") != "1 3" {
			t.Errorf("asked about %v", asked)
		}
	})
}
