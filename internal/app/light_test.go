package app

import (
	"context"
	"strings"
	"testing"
	"time"

	"betimes/internal/event"
	"betimes/internal/flow/balance"
	"betimes/internal/model"
	"betimes/internal/model/modeltest"
)

// bare answers at once, on a context of its own as every door does.
type bare struct{ resp *model.Response }

func (b bare) Invoke(ctx context.Context, r *model.Request) (*model.Response, error) {
	own, cancel := context.WithCancel(ctx)
	defer cancel()
	select {
	case <-own.Done():
		return nil, own.Err()
	default:
		r.Items[0].Event.Timeline.Mark(event.StageNetwork, time.Now())
		return b.resp, nil
	}
}

// An event that waits for nobody costs little more than its call, with everything on
// that a user can turn on.
func TestTheChainAddsAtMostTenAllocationsToALoneCall(t *testing.T) {
	a, c := appOf(t, strings.ReplaceAll(wholeChain, "URL", "http://127.0.0.1:1"), &modeltest.Fake{})
	m := c.models["m"]
	door := bare{&model.Response{Answers: []model.Answer{{Body: []byte(`{"predictions":[1]}`)}}, Endpoint: "a"}}
	picker := balance.Among(a.config.Flow.Balance, []balance.Route{
		{Target: balance.Target{Model: "m", Endpoint: "a", Limit: 4}, Door: door}, {Target: balance.Target{Model: "m", Endpoint: "b", Limit: 4}, Door: door},
	}, balance.Deps{Allowance: a.allowance})
	a.wrap(m, a.config.Models["m"], picker)
	body := []byte(`{"instances":[[1,2.5]]}`)
	cost := func(invoker model.Invoker) float64 {
		ask := func() {
			e := newTestEvent("{}")
			e.Deadline = time.Now().Add(time.Hour)
			if _, err := m.askBy(t.Context(), invoker, e, body); err != nil {
				t.Fatal(err)
			}
		}
		for range 300 { // until it is known when a call takes long
			ask()
		}
		return testing.AllocsPerRun(1000, ask)
	}
	alone, chain := cost(door), cost(m.invoker)
	t.Logf("%.0f with the door alone, %.0f with the chain", alone, chain)
	if chain-alone > 10 {
		t.Errorf("the chain adds %.0f allocations", chain-alone)
	}
}
