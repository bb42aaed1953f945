package batch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
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

func (s *scripted) Version() string { return "" }

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
