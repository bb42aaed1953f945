package sagemaker

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestADeploymentThatWentBackIsSaidThoughTheServiceCallsItASuccess(t *testing.T) {
	state := func(status, config, pending string, instances int) EndpointState {
		s := EndpointState{Status: status, Config: config}
		s.Pending.Config = pending
		s.Variants = []VariantState{{Name: "AllTraffic", Current: instances, Desired: instances, Weight: 1}}
		return s
	}
	at := func(modified float64, s EndpointState) EndpointState {
		s.Modified = modified
		return s
	}
	for _, tt := range []struct {
		name   string
		states []EndpointState
		said   bool
	}{
		{"rolled back", []EndpointState{state("InService", "old", "", 1), state("Updating", "old", "new", 1), state("InService", "old", "", 1)}, true},
		{"deployed", []EndpointState{state("InService", "old", "", 1), state("Updating", "old", "new", 1), state("InService", "new", "", 1)}, false},
		{"scaled", []EndpointState{state("InService", "old", "", 1), state("Updating", "old", "", 1), state("InService", "old", "", 2)}, false},
		{"rolled back between two probes", []EndpointState{at(1, state("InService", "old", "", 1)), at(2, state("InService", "old", "", 1))}, true},
		{"scaled between two probes", []EndpointState{at(1, state("InService", "old", "", 1)), at(2, state("InService", "old", "", 2))}, false},
		{"deployed between two probes", []EndpointState{at(1, state("InService", "old", "", 1)), at(2, state("InService", "new", "", 1))}, false},
		{"untouched", []EndpointState{at(1, state("InService", "old", "", 1)), at(1, state("InService", "old", "", 1))}, false},
		{"seen first while it changed", []EndpointState{state("Updating", "old", "new", 1), state("RollingBack", "old", "", 1), state("InService", "old", "", 1)}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log bytes.Buffer
			changes, instances := 0, 0
			e := &Endpoint{log: slog.New(slog.NewTextHandler(&log, nil))}
			e.Follow(func(was, now EndpointState) {
				changes++
				instances += now.Instances() - was.Instances()
			})
			for _, s := range tt.states {
				e.learn(t.Context(), s)
			}
			if got := strings.Contains(log.String(), "rolled back"); got != tt.said {
				t.Errorf("said %v:\n%s", got, log.String())
			}
			if last := len(tt.states) - 1; changes != last || instances != tt.states[last].Instances()-tt.states[0].Instances() {
				t.Errorf("%d changes, %+d instances", changes, instances)
			}
		})
	}
}
