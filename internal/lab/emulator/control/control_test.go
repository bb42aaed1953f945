package control_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"betimes/internal/lab/emulator/clock"
	"betimes/internal/lab/emulator/control"
	"betimes/internal/lab/emulator/fleet"
	"betimes/internal/lab/emulator/inference"
	"betimes/internal/lab/emulator/injection"
	"betimes/internal/lab/emulator/journal"
	"betimes/internal/lab/emulator/objects"
	"betimes/internal/lab/emulator/store"
	"betimes/internal/lab/emulator/training"
)

// plane is a control plane under test. An instance takes a minute, everything else what it says.
type plane struct {
	*control.Service
	t       testing.TB
	clock   *clock.Clock
	journal *journal.Journal
	faults  *injection.Book
	traffic *inference.Service
	alarms  *alarms
	scaled  targets
	quotas  map[string]int
}

type m = map[string]any

// alarms by name; true is ALARM.
type alarms struct {
	mu    sync.Mutex
	state map[string]bool
}

func (a *alarms) StateOf(name string) (state string, known bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	alarm, known := a.state[name]
	if alarm {
		return "ALARM", known
	}
	return "OK", known
}

func (a *alarms) set(name string, alarm bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.state[name] = alarm
}

// targets are ENDPOINT/VARIANT of scalable targets.
type targets map[string]bool

func (s targets) Registered(endpoint, variant string) bool { return s[endpoint+"/"+variant] }

func (s targets) Forget(endpoint string) {
	for name := range s {
		if strings.HasPrefix(name, endpoint+"/") {
			delete(s, name)
		}
	}
}

func newPlane(t testing.TB, dir string) *plane {
	t.Helper()
	p := &plane{t: t, clock: clock.New(), journal: &journal.Journal{}, alarms: &alarms{state: map[string]bool{}}, scaled: targets{}, quotas: map[string]int{}}
	p.faults = injection.New(p.clock, 1)
	kept, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	buckets, err := objects.Open(filepath.Join(dir, "objects"), p.clock)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	launcher := &fleet.Launcher{Buckets: buckets, Dir: filepath.Join(dir, "instances"), Log: log}
	p.traffic = &inference.Service{Region: "us-east-1", Account: "000000000000", Faults: p.faults, Journal: p.journal}
	none := func(string) time.Duration { return 0 }
	p.Service, err = control.New(control.Deps{
		Region: "us-east-1", Account: "000000000000", Clock: p.clock, Store: kept, Buckets: buckets, Launcher: launcher, Inference: p.traffic,
		Training: &training.Runner{Buckets: buckets, Clock: p.clock, Dir: filepath.Join(dir, "training"), Delay: none},
		Journal:  p.journal, Log: log, Faults: p.faults, Alarms: p.alarms, Scaling: p.scaled, Quotas: p.quotas,
		Pace: control.Pace{
			Provision: func() time.Duration { return time.Minute }, Training: none,
			Wait: func(d time.Duration) time.Duration { return d }, Rollback: time.Minute,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Resume(t.Context())
	t.Cleanup(func() { p.Close(); launcher.Close() })
	return p
}

func (p *plane) call(operation string, request m) m {
	p.t.Helper()
	body, err := json.Marshal(request)
	if err != nil {
		p.t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(p.t.Context(), "POST", "/", strings.NewReader(string(body)))
	r.Header.Set("X-Amz-Target", "SageMaker."+operation)
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	var answer m
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		p.t.Fatalf("%s: %v in %s", operation, err, w.Body)
	}
	return answer
}

// done fails the test when a call was refused.
func (p *plane) done(operation string, request m) m {
	p.t.Helper()
	answer := p.call(operation, request)
	if answer["__type"] != nil {
		p.t.Fatalf("%s: %v", operation, answer)
	}
	return answer
}

func (p *plane) advance(by time.Duration) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	if _, err := p.clock.Advance(ctx, by); err != nil {
		p.t.Fatal(err)
	}
}

// config makes a model of an image and a config of count instances.
func (p *plane) config(name, image string, count int) {
	p.t.Helper()
	p.done("CreateModel", m{"ModelName": name, "PrimaryContainer": m{"Image": image}})
	p.done("CreateEndpointConfig", m{"EndpointConfigName": name, "ProductionVariants": []m{{
		"VariantName": "all", "ModelName": name, "InitialInstanceCount": count, "InstanceType": "ml.c5.large"}}})
}

// deployed is an endpoint fraud of config old, beside a config new, both of count instances.
func deployed(t *testing.T, count int) *plane {
	t.Helper()
	p := newPlane(t, t.TempDir())
	p.config("old", "builtin:echo", count)
	p.config("new", "builtin:profile?p50=1us", count)
	p.done("CreateEndpoint", m{"EndpointName": "fraud", "EndpointConfigName": "old"})
	p.advance(time.Minute)
	return p
}

func (p *plane) endpoint() m { return p.done("DescribeEndpoint", m{"EndpointName": "fraud"}) }

// state is STATUS CONFIG OLD+NEW: the instances of both fleets.
func (p *plane) state() string {
	e := p.endpoint()
	text := fmt.Sprintf("%v %v %v", e["EndpointStatus"], e["EndpointConfigName"], variantOf(e)["CurrentInstanceCount"])
	if next, ok := e["PendingDeploymentSummary"].(m); ok {
		text += fmt.Sprintf("+%v", variantOf(next)["CurrentInstanceCount"])
	}
	return text
}

func variantOf(of m) m {
	all, ok := of["ProductionVariants"].([]any)
	if !ok {
		return m{}
	}
	return all[0].(m)
}

// doing is the status message of the fleet that is deployed.
func (p *plane) doing() string {
	next, _ := p.endpoint()["PendingDeploymentSummary"].(m)
	all, _ := variantOf(next)["VariantStatus"].([]any)
	if len(all) == 0 {
		return ""
	}
	return fmt.Sprintf("%v: %v", all[0].(m)["Status"], all[0].(m)["StatusMessage"])
}

func (p *plane) invoke(endpoint string) (status int, body string) {
	p.t.Helper()
	r := httptest.NewRequestWithContext(p.t.Context(), "POST", "/endpoints/"+endpoint+"/invocations", strings.NewReader("x"))
	w := httptest.NewRecorder()
	p.traffic.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// share is the percentage of calls that the new fleet answers.
func (p *plane) share() float64 {
	p.t.Helper()
	const calls = 1000
	fresh := 0
	for range calls {
		code, body := p.invoke("fraud")
		if code != 200 {
			p.t.Fatalf("a call was answered %d %s", code, body)
		}
		if body != "x" { // echo is the old one
			fresh++
		}
	}
	return float64(fresh) / calls * 100
}

func (p *plane) wantShare(want float64) {
	p.t.Helper()
	if got := p.share(); got < want-8 || got > want+8 || want == 0 && got > 0 || want == 100 && got < 100 {
		p.t.Errorf("%.0f %% of the calls go to the new fleet, want about %.0f", got, want)
	}
}

func (p *plane) wantState(want string) {
	p.t.Helper()
	if got := p.state(); got != want {
		p.t.Errorf("the endpoint is %s, want %s (reason %v)", got, want, p.endpoint()["FailureReason"])
	}
}

func (p *plane) fault(kind string) {
	p.t.Helper()
	if err := p.faults.Add(&injection.Fault{Fault: kind, Count: 1}); err != nil {
		p.t.Fatal(err)
	}
}
