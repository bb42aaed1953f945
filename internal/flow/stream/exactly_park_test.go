package stream

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
)

func TestAParkedKeyWaitsAndFlowsAgainInTransactionsToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard()
		b := &book{cluster: y.cluster, commit: func(try int) (bool, error) {
			if try == 1 {
				return false, errModel // the letters are written a second time
			}
			return true, nil
		}}
		p, stop := running(t, y.cluster, func(ctx context.Context, e *event.Event) event.Ending {
			if string(e.Value) == "a1" {
				return event.Fail(event.ReasonModelInput, event.StageModel, errModel)
			}
			return predict(ctx, e)
		}, y.parks, exactly(b))
		for _, v := range []string{"x", "a1", "a2", "b1"} {
			y.send(0, v[:1], v)
		}
		time.Sleep(time.Second)
		got := y.written()
		slices.Sort(got)
		if !slices.Equal(got, []string{"parked a1", "parked a2", "predictions b1", "predictions x"}) || b.committed(0) != 4 {
			t.Errorf("written %v, committed %d", got, b.committed(0))
		}
		p.Dropped(0, 1)
		p.Expired(0, 1)
		y.send(0, "a", "a3")
		time.Sleep(time.Second)
		if got := y.written(); got[len(got)-1] != "predictions a3" || b.committed(0) != 5 {
			t.Errorf("after its letters were dropped or had expired: written %v, committed %d", got, b.committed(0))
		}
		ended(t, stop)
		if held := heldBy(p); held != "" {
			t.Error(held)
		}
	})
}

func TestALetterIsKnownByTheOffsetOfTheTransactionThatHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard()
		b := &book{cluster: y.cluster}
		p, stop := running(t, y.cluster, func(ctx context.Context, e *event.Event) event.Ending {
			if string(e.Value) == "a1" {
				return event.Fail(event.ReasonModelInput, event.StageModel, errModel)
			}
			return predict(ctx, e)
		}, y.parks, exactly(b))
		y.send(0, "a", "a1")
		y.send(0, "a", "a2")
		time.Sleep(time.Second)
		p.Expired(0, 1)
		y.send(0, "a", "a3") // behind a2
		time.Sleep(time.Second)
		if got := y.written(); !slices.Equal(got, []string{"parked a1", "parked a2", "parked a3"}) {
			t.Errorf("written %v", got)
		}
		ended(t, stop)
	})
}
