package dashboard

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"betimes/internal/event"
	"betimes/internal/privacy"
	"betimes/internal/pulse"
	"betimes/internal/watch/latency"

	"github.com/prometheus/client_golang/prometheus"
)

var plan = Plan{
	Pipeline: "v1-simplified", Gateway: "127.0.0.1:8080", Brokers: make([]string, 3), Embedded: true,
	Events: "events", Partitions: 12, Endings: []string{"predictions", "dead-letters", "shed"}, Group: "v1-simplified", Mapping: "4 fields",
	Models: []PlanModel{{Name: "fraud", Door: "sagemaker", Endpoints: []string{"fraud"}, Training: "xgboost"}},
}

// played is a Source that has seen some minutes of a pipeline; slow makes the
// model slow in the last of them.
func played(t *testing.T, slow bool) *latency.Monitor {
	t.Helper()
	reg := prometheus.NewRegistry()
	m, err := latency.NewMonitor(latency.DefaultConfig(), latency.Objective{Latency: 250 * time.Millisecond, Target: 0.99}, reg)
	if err != nil {
		t.Fatal(err)
	}
	meter, err := latency.NewMeter(reg)
	if err != nil {
		t.Fatal(err)
	}
	const seconds = 240
	start := time.Now().Add(-seconds * time.Second)
	var calls pulse.Recorder
	random := rand.New(rand.NewPCG(1, 2))
	for i := range seconds {
		factor := 1.0
		if slow && i > seconds-40 {
			factor = 45
		}
		for range 20 {
			meter.Observe(event1(random, factor), event.Predicted, time.Now())
		}
		calls.Record(time.Duration(4+i%3) * time.Millisecond)
		p := pulseAt(start, start.Add(time.Duration(i+1)*time.Second), i)
		p.Endpoints[0].Latency = calls.Snapshot()
		meter.Fill(&p)
		m.Take(p)
		m.Take(pulse.Pulse{Instance: "gateway-0", Role: "gateway", Epoch: start.UnixMicro(), At: p.At, Outcomes: map[string]int64{"accepted": int64(i+1) * 20, latency.TurnedAway: int64(i)}})
	}
	return m
}

func pulseAt(start, at time.Time, i int) pulse.Pulse {
	p := pulse.Pulse{Instance: "stream-0", Role: "stream", Epoch: start.UnixMicro(), At: at, InFlight: 3, Limit: 64, Queued: 2}
	for n := range int32(12) {
		p.Lag = append(p.Lag, pulse.Lag{Topic: "events", Partition: n, Records: int64(n) % 5, DelayS: 0.01})
	}
	n := int64(i)
	p.Endpoints = []pulse.Endpoint{
		{Model: "fraud", Name: "fraud", Door: "sagemaker", Up: true, InFlight: 3, Limit: 16, LearnedUS: 5100, Retries: n / 60,
			Invocations: map[string]int64{"ok": n * 20, "throttled": n / 60}, Hedges: map[string]int64{"won": n, "lost": 2 * n, "busy": n / 4}},
		{Model: "fraud", Name: "fraud-slow", Door: "rest", Up: true, Out: true, Limit: 16, LearnedUS: 93_000,
			Invocations: map[string]int64{"ok": n / 2, "unavailable": n / 30}},
	}
	p.NeedUS = map[string]int64{"gateway": 150, "produce": 900, "broker": 1400, "queue": 200, "feature": 60, "admit": 5, "batch": 2100, "network": 800, "model": 5000, "publish": 1100}
	p.TakenPerS, p.Keys = 20, []pulse.Key{{Key: "card-4711", Partition: 3, PerS: 8, Waiting: 2}}
	p.Admission = &pulse.Admission{Rate: 812, NeedUS: 11_800}
	p.Models = []pulse.Model{{
		Name: "fraud", Admit: &pulse.Admit{Decisions: map[string]int64{"pass": 18 * n, "would_be_late": 2 * n, "priority": n / 5, "probe": n / 10}, Fallbacks: n / 2, Inside: 3, NeedUS: 9800, AloneUS: 4900},
		Batch: &pulse.Batch{Reasons: map[string]int64{"alone": n, "free": 3 * n, "full": n / 2, "deadline": n / 4}, Sizes: []int64{n, n, 2 * n, n / 2, n / 4}, Events: 20 * n,
			UnderWay: 2, Limit: 2, Most: 64, CallUS: 4100, EventUS: 104, Waiting: 7, Lanes: []pulse.Lane{{Priority: 5, Waiting: 6, OldestUS: 2300}, {Priority: 9, Waiting: 1, OldestUS: 400}}},
	}}
	if i == 200 {
		p.Changes = []pulse.Change{{At: at, Kind: "version", What: "fraud is served by fraud-2"}}
	}
	return p
}

// event1 is an event of usual speed, its model slower by factor.
func event1(random *rand.Rand, factor float64) *event.Event {
	e := &event.Event{Deadline: time.Now().Add(250 * time.Millisecond)}
	e.Timeline.Start(time.Now())
	for s, ms := range map[event.Stage]float64{
		event.StageGateway: 0.15, event.StageProduce: 0.9, event.StageBroker: 1.4, event.StageQueue: 0.2, event.StageFeature: 0.06,
		event.StageBalance: 0.02, event.StageNetwork: 0.8, event.StageModel: 5 * factor, event.StagePublish: 1.1,
	} {
		d := time.Duration(ms * (0.6 + random.ExpFloat64()*0.5) * float64(time.Millisecond))
		e.Timeline.Mark(s, e.Timeline.Last().Add(d))
	}
	if e.Timeline.Total() > 250*time.Millisecond {
		e.Deadline = time.Unix(1, 0)
	}
	return e
}

// frozen is a Source that goes on saying what another said once.
type frozen struct {
	report    latency.Report
	series    []latency.Point
	why       latency.Why
	lag       []pulse.Lag
	keys      []latency.Key
	budget    latency.Budget
	admission *latency.Admission
	models    []latency.Model
	endpoints []latency.Endpoint
	instances []latency.Instance
	changes   []pulse.Change
}

func freeze(s Source) frozen {
	return frozen{s.Report(s.Window()), s.Series(s.Window(), 3*time.Second), s.Why(time.Minute), s.Lag(), s.Keys(), s.Budget(), s.Admission(), s.Models(), s.Endpoints(), s.Instances(), s.Changes()}
}

func (f frozen) Window() time.Duration                               { return 5 * time.Minute }
func (f frozen) Report(time.Duration) latency.Report                 { return f.report }
func (f frozen) Series(time.Duration, time.Duration) []latency.Point { return f.series }
func (f frozen) Why(time.Duration) latency.Why                       { return f.why }
func (f frozen) Lag() []pulse.Lag                                    { return f.lag }
func (f frozen) Keys() []latency.Key                                 { return f.keys }
func (f frozen) Budget() latency.Budget                              { return f.budget }
func (f frozen) Admission() *latency.Admission                       { return f.admission }
func (f frozen) Models() []latency.Model                             { return f.models }
func (f frozen) Endpoints() []latency.Endpoint                       { return f.endpoints }
func (f frozen) Instances() []latency.Instance                       { return f.instances }
func (f frozen) Changes() []pulse.Change                             { return f.changes }

// finder knows two events.
type finder struct{}

func (finder) Find(_ context.Context, id string) (event.Whereabouts, error) {
	w := event.Whereabouts{ID: id, Key: []byte("card-4711"), Payload: []byte(`{"card":"4111111111111111"}`)}
	w.Accepted = event.Source{Topic: "events", Partition: 3, Offset: 17}
	w.Timeline.Start(time.Unix(1_700_000_000, 0))
	for _, m := range []struct {
		stage event.Stage
		us    int
	}{{event.StageGateway, 120}, {event.StageProduce, 900}, {event.StageBroker, 310}, {event.StageQueue, 40}, {event.StageFeature, 15}, {event.StageNetwork, 700}, {event.StageModel, 8900}} {
		w.Timeline.Mark(m.stage, w.Timeline.Last().Add(time.Duration(m.us)*time.Microsecond))
	}
	switch id {
	case "good":
		w.Place, w.Ended = event.Predicted, event.Source{Topic: "predictions", Partition: 3, Offset: 12}
		w.Prediction = json.RawMessage(`{"id":"good","key":"card-4711","status":"ok","prediction":{"score":0.93},"model":{"name":"fraud","endpoint":"fraud","version":"fraud-2"},"cache":"off","batch":8,"attempts":1,"received":"2023-11-14T22:13:20Z","late":false,"latency_us":10985,"stages_us":{}}`)
	case "dead":
		w.Place, w.Ended = event.DeadLetter, event.Source{Topic: "dead-letters", Partition: 3, Offset: 1}
		w.Reason, w.Stage, w.Attempts, w.Error = event.ReasonModelInput, "model", 5, "the model refused it with 400"
		w.Decisions = "balance:retry:throttled;balance:retry:throttled"
	default:
		return event.Whereabouts{}, event.ErrUnknown
	}
	return w, nil
}

func newDashboard(t *testing.T, slow bool) *Dashboard {
	t.Helper()
	return New(Deps{Source: freeze(played(t, slow)), Finder: finder{}, Plan: plan, Privacy: privacy.Policy{Show: privacy.Keys}})
}
