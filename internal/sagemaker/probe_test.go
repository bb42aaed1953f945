package sagemaker

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
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
			e := &Endpoint{service: &service{}, log: slog.New(slog.NewTextHandler(&log, nil))}
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

func TestAnEndpointThatIsNotFoundSaysWhyAndWhatToDo(t *testing.T) {
	a := accountIn(t, AWSConfig{EndpointURL: "http://127.0.0.1:1", Region: "eu-west-1"}, nil)
	for want, c := range map[string]struct {
		state   EndpointState
		variant string
		name    string // of the refusal
	}{
		"there is none of that name in eu-west-1; create it, or set sagemaker.endpoint or sagemaker.region": {state: EndpointState{Status: missing}, name: "ValidationError"},
		"it is Creating; its events wait until it is InService":                                             {state: EndpointState{Status: "Creating"}, name: "ValidationError"},
		"it is Failed (no such image); delete it and create it again":                                       {state: EndpointState{Status: "Failed", Failure: "no such image"}, name: "ValidationError"},
		"it is in service in eu-west-1, but does not have what is asked of it":                              {state: EndpointState{Status: "InService"}, variant: "blue", name: "ValidationError"},
		"127.0.0.1:1 does not know it in eu-west-1, or it is not in service":                                {name: "ValidationError"},
		"what answers at 127.0.0.1:1 is no SageMaker":                                                       {state: EndpointState{Status: "InService"}},
	} {
		e, err := a.Endpoint(Config{Endpoint: "fraud", Connections: 1, Variant: c.variant})
		if err != nil {
			t.Fatal(err)
		}
		if c.state.Status != "" {
			e.state.Store(&c.state)
		}
		if got := e.absent(c.name).Error(); !strings.HasPrefix(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestAnEndpointThatChangesIsLookedAtMoreOften(t *testing.T) {
	e := &Endpoint{every: 10 * time.Second}
	for status, want := range map[string]time.Duration{"InService": 10 * time.Second, "Failed": 10 * time.Second, "Updating": 2500 * time.Millisecond, "Creating": 2500 * time.Millisecond} {
		e.state.Store(&EndpointState{Status: status})
		if got := e.pause(); got != want {
			t.Errorf("%s: %s, want %s", status, got, want)
		}
	}
}
