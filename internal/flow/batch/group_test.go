package batch

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/model"
	"betimes/internal/model/modeltest"
)

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
