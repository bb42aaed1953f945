package batch

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/model"
	"betimes/internal/model/modeltest"
)

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
