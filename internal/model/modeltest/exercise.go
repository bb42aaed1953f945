package modeltest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"betimes/internal/event"
	"betimes/internal/model"
)

// New makes an Invoker whose model behaves like b, and stops it with the test.
type New func(t *testing.T, b Behaviour) model.Invoker

// patience is how long the exercise waits for what must happen; a correct
// Invoker never needs it.
const patience = 30 * time.Second

// Exercise is what every Invoker must pass. classes are the failures that this
// kind of endpoint can tell apart.
func Exercise(t *testing.T, newInvoker New, classes ...model.Class) {
	for name, test := range map[string]func(*testing.T, New){
		"one item gets its answer":                    oneItem,
		"an item without an event gets its answer":    noEvent,
		"many items keep their order":                 order,
		"a request without items is refused":          noItems,
		"a deadline long past is no reason to refuse": pastDeadline,
		"after its latest moment nobody is asked":     tooLate,
		"calls at the same time do not mix":           concurrent,
		"a cancelled call ends and frees its slot":    canceled,
		"a call past the time of its context ends":    timedOut,
		"a context that has ended asks nobody":        endedBefore,
		"too few answers are bad output":              miscounted,
		"an answer too large is bad output":           oversize,
		"a large request arrives whole":               largeRequest,
		"the fault of one item is no answer to it":    faultOfOne,
		"what was asked leaves no goroutine":          nothingLeft,
	} {
		t.Run(name, func(t *testing.T) { test(t, newInvoker) })
	}
	for _, class := range classes {
		t.Run("a failure is classified as "+class.String(), func(t *testing.T) { classified(t, newInvoker, class) })
	}
}

func csvRequest(bodies ...string) *model.Request {
	r := &model.Request{Model: "m", ContentType: "text/csv", InferenceID: "id-1"}
	for _, b := range bodies {
		r.Items = append(r.Items, model.Item{Event: &event.Event{ID: b}, Body: []byte(b), Deadline: time.Now().Add(time.Minute)})
	}
	return r
}

func patient(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// asked checks that the answers are the bodies of the request.
func asked(ctx context.Context, inv model.Invoker, r *model.Request) error {
	resp, err := inv.Invoke(ctx, r)
	if err != nil {
		return err
	}
	if len(resp.Answers) != len(r.Items) {
		return fmt.Errorf("%d answers for %d items", len(resp.Answers), len(r.Items))
	}
	for i, a := range resp.Answers {
		if a.Err != nil || !bytes.Equal(bytes.TrimSpace(a.Body), r.Items[i].Body) {
			return fmt.Errorf("item %d: got %q, %v; want %q", i, a.Body, a.Err, r.Items[i].Body)
		}
	}
	if resp.Endpoint == "" || resp.Times.Total <= 0 {
		return fmt.Errorf("endpoint %q, total %v: both must be set", resp.Endpoint, resp.Times.Total)
	}
	return nil
}

func oneItem(t *testing.T, newInvoker New) {
	inv := newInvoker(t, Behaviour{Delay: time.Millisecond})
	for range 3 { // again on the same connection
		if err := asked(patient(t), inv, csvRequest("1,2.5")); err != nil {
			t.Fatal(err)
		}
	}
}

func noEvent(t *testing.T, newInvoker New) {
	r := &model.Request{ContentType: "text/csv", Items: []model.Item{{Body: []byte("7")}}}
	if err := asked(patient(t), newInvoker(t, Behaviour{Delay: time.Millisecond}), r); err != nil {
		t.Fatal(err)
	}
}

func order(t *testing.T, newInvoker New) {
	if err := asked(patient(t), newInvoker(t, Behaviour{Delay: time.Millisecond}), csvRequest("3", "1", "2")); err != nil {
		t.Fatal(err)
	}
}

func noItems(t *testing.T, newInvoker New) {
	inv := newInvoker(t, Behaviour{})
	for _, r := range []*model.Request{nil, {ContentType: "text/csv"}} {
		_, err := inv.Invoke(patient(t), r)
		wantClass(t, err, model.ClassBadInput)
	}
}

func pastDeadline(t *testing.T, newInvoker New) {
	r := csvRequest("1")
	r.Items[0].Deadline = time.Now().Add(-time.Hour)
	if err := asked(patient(t), newInvoker(t, Behaviour{Delay: time.Millisecond}), r); err != nil {
		t.Fatal(err)
	}
}

func tooLate(t *testing.T, newInvoker New) {
	reached := make(chan struct{}, 8)
	inv := newInvoker(t, Behaviour{Delay: time.Millisecond, HangFor: 1, Reached: reached, Calls: 1})
	r := csvRequest("1", "2")
	r.Items[1].Latest = time.Now()
	_, err := inv.Invoke(patient(t), r)
	wantClass(t, err, model.ClassLate)
	if len(reached) != 0 {
		t.Error("the model was asked")
	}
}

func concurrent(t *testing.T, newInvoker New) {
	inv := newInvoker(t, Behaviour{Delay: time.Millisecond})
	ctx := patient(t)
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			for j := range 4 {
				body := fmt.Sprintf("%d,%d", i, j)
				if err := asked(ctx, inv, csvRequest(body, body+"1")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func canceled(t *testing.T, newInvoker New) {
	reached := make(chan struct{}, 1)
	inv := newInvoker(t, Behaviour{Delay: time.Millisecond, HangFor: 1, Reached: reached, Calls: 1})
	ctx, cancel := context.WithCancel(patient(t))
	defer cancel()
	failed := make(chan error)
	go func() {
		_, err := inv.Invoke(ctx, csvRequest("1"))
		failed <- err
	}()
	<-reached
	cancel()
	err := <-failed
	wantClass(t, err, model.ClassCanceled)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v hides that the caller gave up", err)
	}
	if err := asked(patient(t), inv, csvRequest("2")); err != nil {
		t.Fatalf("the slot of the cancelled call is not free: %v", err)
	}
}

func timedOut(t *testing.T, newInvoker New) {
	reached := make(chan struct{}, 1)
	inv := newInvoker(t, Behaviour{Delay: time.Millisecond, HangFor: 1, Reached: reached, Calls: 1})
	for len(reached) == 0 { // on a busy machine the time may be over before the call is out
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		_, err := inv.Invoke(ctx, csvRequest("1"))
		cancel()
		if err == nil {
			break // the call before it did hang, but told so too late
		}
		wantClass(t, err, model.ClassTimeout)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("%v hides that the time was over", err)
		}
	}
	if err := asked(patient(t), inv, csvRequest("2")); err != nil {
		t.Fatalf("the call after it: %v", err)
	}
}

func endedBefore(t *testing.T, newInvoker New) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := newInvoker(t, Behaviour{}).Invoke(ctx, csvRequest("1"))
	wantClass(t, err, model.ClassCanceled)
}

func miscounted(t *testing.T, newInvoker New) {
	for _, body := range []string{"0.5", "1\n2\n3", "", "no answer at all"} {
		_, err := newInvoker(t, Behaviour{Body: []byte(body)}).Invoke(patient(t), csvRequest("1", "2"))
		wantClass(t, err, model.ClassBadOutput)
	}
}

func oversize(t *testing.T, newInvoker New) {
	_, err := newInvoker(t, Behaviour{Oversize: true}).Invoke(patient(t), csvRequest("1"))
	wantClass(t, err, model.ClassBadOutput)
}

func largeRequest(t *testing.T, newInvoker New) {
	body := string(bytes.Repeat([]byte("0123456789,"), 100_000)) + "1"
	if err := asked(patient(t), newInvoker(t, Behaviour{Delay: time.Millisecond}), csvRequest(body)); err != nil {
		t.Fatalf("%.200s", err)
	}
}

// faultOfOne: all fail, or the one that is to blame and the others are answered.
func faultOfOne(t *testing.T, newInvoker New) {
	inv := newInvoker(t, Behaviour{Delay: time.Millisecond, Refuse: "777"})
	_, err := inv.Invoke(patient(t), csvRequest("777"))
	wantClass(t, err, model.ClassBadInput)
	r := csvRequest("1", "777", "3")
	resp, err := inv.Invoke(patient(t), r)
	if err != nil {
		wantClass(t, err, model.ClassBadInput)
	} else {
		wantClass(t, resp.Answers[1].Err, model.ClassBadInput)
		for _, i := range []int{0, 2} {
			if a := resp.Answers[i]; a.Err != nil || !bytes.Equal(bytes.TrimSpace(a.Body), r.Items[i].Body) {
				t.Errorf("item %d: got %q, %v", i, a.Body, a.Err)
			}
		}
	}
	if err := asked(patient(t), inv, csvRequest("1", "3")); err != nil {
		t.Errorf("without it: %v", err)
	}
}

// nothingLeft counts what runs before an Invoker is made and after it was stopped.
func nothingLeft(t *testing.T, newInvoker New) {
	before := runtime.NumGoroutine()
	t.Run("asked", func(t *testing.T) {
		concurrent(t, newInvoker)
		canceled(t, newInvoker)
	})
	for end := time.Now().Add(patience); runtime.NumGoroutine() > before; <-time.After(time.Millisecond) {
		if time.Now().After(end) {
			var stacks strings.Builder
			_ = pprof.Lookup("goroutine").WriteTo(&stacks, 1)
			t.Fatalf("%d goroutines before, %d after:\n%s", before, runtime.NumGoroutine(), stacks.String())
		}
	}
}

func classified(t *testing.T, newInvoker New, class model.Class) {
	inv := newInvoker(t, Behaviour{Fail: class})
	for range 2 { // a failure must not spoil the next call's
		_, err := inv.Invoke(patient(t), csvRequest("1"))
		wantClass(t, err, class)
	}
}

func wantClass(t *testing.T, err error, class model.Class) {
	t.Helper()
	if err == nil || model.ClassOf(err) != class {
		t.Errorf("got %v (%s); want %s", err, model.ClassOf(err), class)
	}
}
