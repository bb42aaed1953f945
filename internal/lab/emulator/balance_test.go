package emulator_test

import (
	"strings"
	"testing"
	"time"

	"betimes/internal/flow/balance"
	"betimes/internal/model"
)

// TestEveryFaultCostsAnEventWhatTheTableSays asks through balance while the
// endpoint fails once.
func TestEveryFaultCostsAnEventWhatTheTableSays(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	b.deploy("fraud", "builtin:echo", "", 1)
	endpoint, err := b.account().Endpoint(fraud())
	must(t, err)
	defer endpoint.Close()
	for _, tt := range []struct {
		fault string
		left  time.Duration // of the event's time
		class model.Class   // of the first call
		calls int64
	}{
		{`{"fault":"throttle","count":1}`, time.Minute, model.ClassThrottled, 2},
		{`{"fault":"throttle","count":1}`, -time.Minute, model.ClassThrottled, 2}, // late events are served too
		{`{"fault":"not_ready","count":1}`, time.Minute, model.ClassNotReady, 2},
		{`{"fault":"not_ready","count":1}`, 100 * time.Millisecond, model.ClassNotReady, 1},
		{`{"fault":"internal","count":1}`, time.Minute, model.ClassUnavailable, 2},
		{`{"fault":"unavailable","count":1}`, time.Minute, model.ClassUnavailable, 2},
		{`{"fault":"dependency","count":1}`, time.Minute, model.ClassUnavailable, 2},
		{`{"fault":"dependency","count":1}`, -time.Minute, model.ClassUnavailable, 1},
		{`{"fault":"reset","count":1}`, time.Minute, model.ClassConnection, 2},
		{`{"fault":"truncate","count":1}`, time.Minute, model.ClassConnection, 2},
		{`{"fault":"model_error","status":500,"count":1}`, time.Minute, model.ClassModelFault, 1},
		{`{"fault":"model_error","status":415,"count":1}`, time.Minute, model.ClassBadInput, 1},
		{`{"fault":"model_error","status":413,"count":1}`, time.Minute, model.ClassTooLarge, 1},
		{`{"fault":"model_error","status":429,"count":1}`, time.Minute, model.ClassThrottled, 2},
		{`{"fault":"model_error","status":404,"count":1}`, time.Minute, model.ClassNotFound, 1},
	} {
		t.Run(strings.Trim(tt.fault, "{}")+" "+tt.left.String(), func(t *testing.T) {
			p := balance.New(balance.Target{Model: "fraud", Endpoint: "fraud", Limit: 8}, endpoint, balance.Deps{})
			id := b.fault(tt.fault)
			defer b.do("DELETE", "/_emu/faults/"+id, "")
			r := request("1,2")
			r.Items[0].Deadline = time.Now().Add(tt.left)
			_, err := p.Invoke(t.Context(), r)
			calls := int64(0)
			for _, n := range p.Snapshots()[0].Invocations {
				calls += n
			}
			if calls != tt.calls || p.Snapshots()[0].Invocations[tt.class.String()] != 1 || (err == nil) != (tt.calls == 2) {
				t.Errorf("%v: %v", p.Snapshots()[0].Invocations, err)
			}
		})
	}
}
