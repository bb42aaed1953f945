package latency

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
	"betimes/internal/pulse"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// worker sends the pulses of one instance whose events take what load says.
type worker struct {
	monitor *Monitor
	meter   *Meter
	random  *rand.Rand
	pulse   pulse.Pulse
}

func newMonitor(t *testing.T) (*Monitor, *prometheus.Registry) {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	m, err := NewMonitor(DefaultConfig(), Objective{250 * time.Millisecond, 0.99}, reg)
	if err != nil {
		t.Fatal(err)
	}
	return m, reg
}

func newWorker(m *Monitor, name string) *worker {
	w := &worker{monitor: m, meter: &Meter{}, random: rand.New(rand.NewPCG(1, 2))}
	w.pulse = pulse.Pulse{Instance: name, Role: "stream", Epoch: time.Now().UnixMicro()}
	return w
}

// load is how many events a second there are and how long their stages take.
type load struct {
	rate   int
	stages map[event.Stage]time.Duration
	slow   int // of a hundred events take a model ten times as long, and more
}

var usual = load{200, map[event.Stage]time.Duration{
	event.StageProduce: time.Millisecond, event.StageBroker: 2 * time.Millisecond, event.StageQueue: 200 * time.Microsecond,
	event.StageFeature: 50 * time.Microsecond, event.StageNetwork: time.Millisecond, event.StageModel: 5 * time.Millisecond,
}, 0}

// but is the load with some stages changed.
func (l load) but(stages map[event.Stage]time.Duration) load {
	out := load{l.rate, map[event.Stage]time.Duration{}, l.slow}
	for s, d := range l.stages {
		out.stages[s] = d
	}
	for s, d := range stages {
		out.stages[s] = d
	}
	return out
}

// run lets events happen for so many seconds, with noise of a third both ways.
func (w *worker) run(seconds int, l load) {
	for range seconds {
		time.Sleep(time.Second) // of the bubble's clock
		for i := range l.rate {
			w.meter.Observe(w.event(l, i), event.Predicted, time.Time{})
		}
		w.send()
	}
}

func (w *worker) event(l load, i int) *event.Event {
	var e event.Event
	e.Timeline.Start(time.Now())
	for s := range event.Stage(event.NumStages) {
		d, ok := l.stages[s]
		if !ok {
			continue
		}
		if s == event.StageModel && i%100 < l.slow {
			d *= 80
		}
		d = time.Duration(float64(d) * (2 + 2*w.random.Float64()) / 3)
		e.Timeline.Mark(s, e.Timeline.Last().Add(d))
	}
	if e.Timeline.Total() > 250*time.Millisecond {
		w.meter.late.Add(1)
	}
	return &e
}

func (w *worker) send() {
	w.pulse.At = time.Now()
	w.meter.Fill(&w.pulse)
	w.monitor.Take(w.pulse)
}

func TestTheReportSumsAllInstances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := newMonitor(t)
		a, b := newWorker(m, "stream-0"), newWorker(m, "stream-1")
		for range 60 {
			a.run(1, usual)
			b.meter.Observe(b.event(usual, 0), event.Predicted, time.Time{})
			b.send()
		}
		r := m.Report(5 * time.Minute)
		if r.Event.Count != 60*201 || r.Outcomes["predicted"] != 60*201 {
			t.Errorf("%d events, %v; want %d", r.Event.Count, r.Outcomes, 60*201)
		}
		if r.RatePerS < 198 || r.RatePerS > 204 {
			t.Errorf("%.1f events a second, want 201", r.RatePerS)
		}
		var shares float64
		var order []string
		for _, row := range r.Stages {
			shares += row.Share
			order = append(order, row.Stage)
		}
		if shares < 0.999 || shares > 1.001 {
			t.Errorf("shares sum to %g", shares)
		}
		if got := strings.Join(order, " "); got != "produce broker queue feature network model" {
			t.Errorf("order %s", got)
		}
		series := m.Series(time.Minute, time.Second)
		if last := series[len(series)-1]; len(series) != 60 || last.RatePerS != 201 || last.P99US == 0 {
			t.Errorf("%d points, the last %+v", len(series), last)
		}
	})
}

func TestPulsesLostReadAgainOrOfAnotherLife(t *testing.T) {
	one := map[string]int64{"predicted": 1}
	for name, test := range map[string]struct {
		pulses []pulse.Pulse // At and Epoch are seconds from now
		want   int64
	}{
		"a process that runs long before we listen counts from now": {[]pulse.Pulse{at(0, -100, 1000), at(1, -100, 1010)}, 10},
		"a process that has just begun counts whole":                {[]pulse.Pulse{at(0, -1, 10)}, 10},
		"lost pulses lose nothing":                                  {[]pulse.Pulse{at(0, -1, 10), at(9, -1, 90)}, 90},
		"a pulse read again counts once":                            {[]pulse.Pulse{at(0, -1, 10), at(0, -1, 10), at(1, -1, 20), at(0, -1, 10)}, 20},
		"a restart counts anew":                                     {[]pulse.Pulse{at(0, -1, 10), at(5, 3, 4)}, 14},
		"the pulse of the life before comes late":                   {[]pulse.Pulse{at(0, -1, 10), at(5, 3, 4), at(6, -1, 12)}, 14},
		"without a name it is nobody's":                             {[]pulse.Pulse{{Outcomes: one}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, _ := newMonitor(t)
				start := time.Now()
				for _, p := range test.pulses {
					p.At = start.Add(time.Duration(p.At.Unix()) * time.Second)
					p.Epoch += start.UnixMicro()
					time.Sleep(time.Until(p.At)) // of the bubble's clock
					m.Take(p)
				}
				time.Sleep(10 * time.Second) // of the bubble's clock
				if got := m.Report(5 * time.Minute).Outcomes["predicted"]; got != test.want {
					t.Errorf("%d predicted, want %d", got, test.want)
				}
			})
		})
	}
}

func at(second, epoch, predicted int64) pulse.Pulse {
	return pulse.Pulse{
		Instance: "stream-0", Role: "stream", At: time.Unix(second, 0), Epoch: epoch * 1e6,
		Outcomes: map[string]int64{"predicted": predicted},
	}
}

func TestLagAndEndpointsAreThoseOfLiveInstances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := newMonitor(t)
		epoch := time.Now().UnixMicro()
		send := func(name string, lag int64, calls int64, up bool) {
			m.Take(pulse.Pulse{
				Instance: name, Role: "stream", Epoch: epoch, At: time.Now(),
				Lag:       []pulse.Lag{{Topic: "events", Partition: 3, Records: lag}},
				Endpoints: []pulse.Endpoint{{Model: "fraud", Name: "fraud", Door: "rest", Up: up, Invocations: map[string]int64{"ok": calls}}},
			})
		}
		send("gone", 500, 70, false)
		time.Sleep(10 * time.Second) // of the bubble's clock
		send("old", 9, 100, true)
		time.Sleep(time.Second)
		send("old", 9, 110, true)
		send("new", 7, 0, true)
		time.Sleep(time.Second)
		send("new", 7, 20, true)
		if lag := m.Lag(); len(lag) != 1 || lag[0].Records != 7 {
			t.Errorf("lag %+v, want the 7 of the newest pulse", lag)
		}
		all := m.Endpoints()
		if len(all) != 1 || !all[0].Up || all[0].Callers != 2 || all[0].Invocations["ok"] != 30 {
			t.Errorf("endpoints %+v, want one, up, with 30 calls", all)
		}
		if n := len(m.Instances()); n != 3 {
			t.Errorf("%d instances, want 3, one silent", n)
		}
	})
}

func TestMetricsAreWellFormed(t *testing.T) {
	_, reg := newMonitor(t)
	meter, err := NewMeter(reg)
	if err != nil {
		t.Fatal(err)
	}
	meter.Observe(finished(), event.Predicted, began)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if problems, err := promlint.NewWithMetricFamilies(families).Lint(); err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}

func FuzzTakeAnyPulse(f *testing.F) {
	f.Add([]byte(`{"instance":"a","at":"2026-01-01T00:00:00Z","epoch":1,"stages":{"event":{"b":[1,2],"n":[3,4],"sum":10,"max":2}}}`))
	f.Add([]byte(`{"instance":"a","stages":{"event":{"b":[65535],"n":[-1]}},"endpoints":[{"latency":{"b":[9,1],"n":[1]}}]}`))
	f.Add([]byte(`{"instance":"a","need_us":{"model":1},"models":[{"name":"m","admit":{"decisions":{"pass":3}},"batch":{"reasons":{"free":1},"sizes":[1,2],"lanes":[{"waiting":3}]}}]}`))
	f.Add([]byte(`{"instance":"a","admission":{"rate":-1},"models":[{"name":"m","batch":{"sizes":[]}},{"name":"m"}],"endpoints":[{"name":"e","hedges":{"won":-1},"latency":{"b":[1],"n":[2]}}]}`))
	f.Fuzz(func(t *testing.T, value []byte) {
		m, err := NewMonitor(DefaultConfig(), Objective{time.Second, 0.99}, prometheus.NewRegistry())
		if err != nil {
			t.Fatal(err)
		}
		p, err := pulse.Decode(value)
		if err != nil {
			return
		}
		for i := range 3 { // the last two of one process
			p.At = time.Now().Add(time.Duration(i) * time.Millisecond)
			m.Take(p)
			if i == 0 {
				p.Epoch++
			}
		}
		said := []any{m.Report(time.Hour), m.Why(time.Hour), m.Lag(), m.Endpoints(), m.Models(), m.Admission(), m.Budget()}
		if _, err := json.Marshal(said); err != nil { // the API would have no answer
			t.Error(err)
		}
	})
}

// BenchmarkAnHour measures what a page costs each second after an hour of pulses.
func BenchmarkAnHour(b *testing.B) {
	m, err := NewMonitor(DefaultConfig(), Objective{250 * time.Millisecond, 0.99}, prometheus.NewRegistry())
	if err != nil {
		b.Fatal(err)
	}
	w := newWorker(m, "stream-0")
	start := time.Now().Add(-3590 * time.Second)
	w.pulse.Epoch = start.UnixMicro()
	for i := range 3590 {
		for j := range usual.rate {
			w.meter.Observe(w.event(usual, j), event.Predicted, time.Time{})
		}
		w.meter.Fill(&w.pulse)
		w.pulse.At = start.Add(time.Duration(i) * time.Second)
		m.Take(w.pulse)
	}
	b.Run("report of 5 minutes", func(b *testing.B) {
		for b.Loop() {
			m.Report(5 * time.Minute)
		}
	})
	b.Run("why", func(b *testing.B) {
		for b.Loop() {
			m.Why(time.Minute)
		}
	})
	b.Run("series", func(b *testing.B) {
		for b.Loop() {
			m.Series(5*time.Minute, 3*time.Second)
		}
	})
}

func TestAStageThatFewEventsPassTakesNothingOfMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := newMonitor(t)
		w := newWorker(m, "stream-0")
		few := usual.but(map[event.Stage]time.Duration{event.StageRetry: 2 * time.Second})
		most := usual.but(map[event.Stage]time.Duration{event.StageAdmit: 30 * time.Millisecond})
		few.rate, most.rate = 3, 220
		w.run(1, load{180, usual.stages, 0})
		w.run(1, few)
		w.run(1, most)
		for _, r := range m.Report(time.Minute).Stages {
			switch r.Stage {
			case "retry":
				if r.P50US != 0 || r.P99US != 0 || r.Count != 3 || r.Share < 0.2 {
					t.Errorf("three of 403 events: %+v", r)
				}
			case "admit":
				if r.P50US < 15_000 || r.P50US > 25_000 || r.P99US < 30_000 {
					t.Errorf("more than half of the events, the least of them at p50: %+v", r)
				}
			}
		}
	})
}

func TestAnObjectiveIsNotKeptByWhatIsShed(t *testing.T) {
	for name, c := range map[string]struct {
		predicted, late, shed int64
		kept                  bool
	}{
		"few late":                             {990, 5, 0, true},
		"too many late":                        {990, 50, 0, false},
		"none late, few shed":                  {995, 0, 5, true},
		"none late, most shed":                 {100, 0, 900, false},
		"all shed":                             {0, 0, 100, false},
		"few late and few shed, too many both": {993, 7, 7, false},
		"nothing came":                         {0, 0, 0, true},
	} {
		r := Report{LateShare: lateShare(map[string]int64{"predicted": c.predicted, Late: c.late}), ShedShare: shedShare(map[string]int64{"predicted": c.predicted, "shed": c.shed})}
		if kept := r.missed() <= 0.01; kept != c.kept {
			t.Errorf("%s: %.3f missed", name, r.missed())
		}
	}
}
