package modeltest

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/model"
)

func TestTheFakePassesTheExercise(t *testing.T) {
	Exercise(t, Scripted, model.ClassThrottled, model.ClassModelFault, model.ClassNotFound)
}

func TestTheFakeFollowsItsScriptThenItsDefault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := (&Fake{}).Script(Step{Fail: model.ClassThrottled}, Step{Delay: time.Second, Bodies: [][]byte{[]byte("yes")}})
		_, err := f.Invoke(t.Context(), csvRequest("1"))
		wantClass(t, err, model.ClassThrottled)
		resp, err := f.Invoke(t.Context(), csvRequest("1"))
		if err != nil || string(resp.Answers[0].Body) != "yes" || resp.Times.Total != time.Second {
			t.Errorf("got %+v, %v", resp, err)
		}
		resp, err = f.Invoke(t.Context(), csvRequest("1"))
		if err != nil || !bytes.Equal(resp.Answers[0].Body, []byte("1")) {
			t.Errorf("got %+v, %v", resp, err)
		}
		if calls := f.Calls(); len(calls) != 3 || calls[2].At.Sub(calls[0].At) != time.Second {
			t.Errorf("calls %v", calls)
		}
	})
}

func TestTheFakeCountsCallsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		f := &Fake{Default: Step{Hold: hold}}
		for range 3 {
			go func() { _, _ = f.Invoke(t.Context(), csvRequest("1")) }()
		}
		synctest.Wait()
		if now, _ := f.InFlight(); now != 3 {
			t.Errorf("%d in flight", now)
		}
		close(hold)
		synctest.Wait()
		if now, most := f.InFlight(); now != 0 || most != 3 {
			t.Errorf("%d in flight, %d at most", now, most)
		}
	})
}
