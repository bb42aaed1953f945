package callers

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// after answers with what it was asked, after a while.
func after(d time.Duration) Ask {
	return func(_ context.Context, _ int64, body []byte) ([]byte, error) {
		time.Sleep(d)
		return body, nil
	}
}

func TestCallersCallAgainWhenTheyAreAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := Order{AtOnce: 4, WarmUp: time.Second, Window: 10 * time.Second, BodyBytes: 200}
		out, err := o.Run(t.Context(), after(10*time.Millisecond))
		if err != nil || out.Calls != 4000 || out.All != 4400 || out.P50 != 10*time.Millisecond || out.LagP99 != 0 || out.Failed+out.Wrong > 0 {
			t.Errorf("got %+v, %v", out, err)
		}
	})
}

func TestAScheduleDoesNotWaitForAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := Order{Rate: 100, WarmUp: time.Second, Window: 10 * time.Second, Seed: 7, BodyBytes: 200}
		out, err := o.Run(t.Context(), after(time.Minute))
		if err != nil || out.Calls < 900 || out.Calls > 1100 || out.P99 != time.Minute {
			t.Errorf("got %+v, %v", out, err)
		}
	})
}

func TestWhatIsNoEchoIsWrongAndWhatFailsIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := Order{AtOnce: 1, Window: time.Second, BodyBytes: 40}
		out, _ := o.Run(t.Context(), func(_ context.Context, n int64, _ []byte) ([]byte, error) {
			time.Sleep(100 * time.Millisecond)
			if n%2 == 0 {
				return nil, errors.New("gone")
			}
			return []byte("0.5"), nil
		})
		if out.Wrong != 5 || out.Failed != 5 || out.Why != "gone" || out.Calls != 0 {
			t.Errorf("got %+v", out)
		}
	})
}
