package latency

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
	"betimes/internal/pulse"

	"github.com/prometheus/client_golang/prometheus"
)

func TestWhoIsToBlame(t *testing.T) {
	slowModel := usual.but(map[event.Stage]time.Duration{event.StageModel: 60 * time.Millisecond})
	for name, test := range map[string]struct {
		before, during load
		seconds        int // before and during
		stage          string
		share          float64 // at least
		says           string
	}{
		"nobody while all is as usual":                  {usual, usual, 120, "", 0, "Healthy"},
		"nobody for twice the events at the same speed": {usual, load{400, usual.stages, 0}, 30, "", 0, "Healthy"},
		"a slow model, named within seconds":            {usual, slowModel, 10, "model", 0.9, "model takes"},
		"a slow model behind which events queue up": {usual, slowModel.but(map[event.Stage]time.Duration{
			event.StageQueue: 400 * time.Millisecond, event.StageBroker: time.Second}), 20, "model", 0.95, "wait for model"},
		"the queue, when nothing else rose": {usual, load{1000, usual.but(map[event.Stage]time.Duration{
			event.StageQueue: 300 * time.Millisecond}).stages, 0}, 20, "queue", 0.9, "events a second, were 200"},
		"slow features": {usual, usual.but(map[event.Stage]time.Duration{event.StageFeature: 8 * time.Millisecond}), 20, "feature", 0.9, "feature takes"},
		"the model, when only two in a hundred rise": {usual, load{200, usual.stages, 2}, 30, "model", 0.9, "later than 250 ms"},
		"nobody, when a few events alone were quicker than many": {load{1, usual.stages, 0}, load{300, usual.but(map[event.Stage]time.Duration{
			event.StageBroker: 20 * time.Millisecond}).stages, 0}, 15, "", 0, "Healthy"},
		"the queue, when it was never better": {load{}, load{1000, usual.but(map[event.Stage]time.Duration{
			event.StageQueue: 30 * time.Second}).stages, 0}, 20, "queue", 0.8, "no healthy time"},
		"the stage that takes most, when it was never better": {load{}, usual.but(map[event.Stage]time.Duration{
			event.StageBroker: 200 * time.Millisecond, event.StageQueue: 200 * time.Millisecond, event.StagePublish: 300 * time.Millisecond}), 20, "publish", 0.3, "no healthy time"},
		"the log, when all of it is a backlog": {load{}, usual.but(map[event.Stage]time.Duration{
			event.StageBroker: 3600 * time.Second}), 20, "broker", 0.9, "no healthy time"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, _ := newMonitor(t)
				w := newWorker(m, "stream-0")
				w.run(test.seconds, test.before)
				began := time.Now()
				w.run(test.seconds, test.during)
				why := m.Why(10 * time.Minute)
				check(t, why, test.stage, test.share, test.says)
				if test.stage != "" && why.Since.Sub(began).Abs() > blockStep*time.Second {
					t.Errorf("since %v, want about %v", why.Since, began)
				}
			})
		})
	}
}

func check(t *testing.T, why Why, stage string, share float64, says string) {
	t.Helper()
	text := why.Sentence + " " + strings.Join(why.Evidence, "; ")
	t.Log(text)
	switch {
	case stage == "":
		if !why.Healthy || why.Culprit != nil {
			t.Errorf("culprit %+v, want none", why.Culprit)
		}
	case why.Healthy || why.Culprit == nil || why.Culprit.Stage != stage || why.Culprit.Share < share || why.Culprit.Share > 1:
		t.Fatalf("culprit %+v, want %s with at least %g of the rise", why.Culprit, stage, share)
	case why.Remedy == "" || why.Counterfactual == nil || why.Counterfactual.P99US == 0:
		t.Errorf("remedy %q, p99 without the culprit %+v: they say nothing", why.Remedy, why.Counterfactual)
	}
	if !strings.Contains(text, says) {
		t.Errorf("%q does not say %q", text, says)
	}
}

func TestTroubleThatIsOverIsToldAsPastAndClearsNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, reg := newMonitor(t)
		w := newWorker(m, "stream-0")
		w.run(20, usual)
		w.run(20, usual.but(map[event.Stage]time.Duration{event.StageModel: 400 * time.Millisecond}))
		m.note([]pulse.Change{{At: time.Now().Add(-21 * time.Second), Kind: "version", What: "fraud v2"}})
		if got := culpritInMetric(t, reg); got != "model" {
			t.Errorf("the metric blames %q, want model", got)
		}
		w.run(80, usual)
		if why := m.Why(time.Minute); !why.Healthy {
			t.Errorf("a minute later: %+v", why)
		}
		if got := culpritInMetric(t, reg); got != "" {
			t.Errorf("the metric still blames %q", got)
		}
		why := m.Why(10 * time.Minute)
		check(t, why, "model", 0.9, "version: fraud v2")
		if why.Until == nil || why.Until.Sub(*why.Since) > 30*time.Second {
			t.Errorf("from %v until %v, want some 20 s", why.Since, why.Until)
		}
		if p99 := why.Counterfactual.P99US; p99 > 60_000 {
			t.Errorf("without the model's rise p99 would be %d µs, want about 13 ms", p99)
		}
	})
}

func culpritInMetric(t *testing.T, reg *prometheus.Registry) string {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	blamed := ""
	for _, metric := range families[0].GetMetric() {
		if metric.GetGauge().GetValue() == 1 {
			blamed += metric.GetLabel()[0].GetValue()
		}
	}
	return blamed
}

func TestAPipelineInWhichNothingEndsIsNotHealthy(t *testing.T) {
	for name, c := range map[string]struct {
		endpoint pulse.Endpoint
		stage    string
		says     string
	}{
		"calls do not come back":         {pulse.Endpoint{Name: "fraud", Up: true, InFlight: 64}, "network", "64 calls have not come back"},
		"calls hang where others failed": {pulse.Endpoint{Name: "fraud", Up: true, InFlight: 64, Invocations: map[string]int64{"timeout": 124}}, "network", "64 calls have not come back"},
		"calls fail":                     {pulse.Endpoint{Name: "fraud", Invocations: map[string]int64{"timeout": 124}}, "retry", "124 calls ended as timeout"},
		"nobody calls":                   {pulse.Endpoint{}, "queue", "64 events are in work and 2,000 wait"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, _ := newMonitor(t)
				w := newWorker(m, "stream-0")
				w.run(20, usual)
				w.pulse.InFlight, w.pulse.Queued = 64, 2000
				w.run(1, load{})
				w.pulse.Endpoints = []pulse.Endpoint{c.endpoint}
				w.run(3, load{})
				check(t, m.Why(time.Minute), "", 0, "Healthy")
				w.run(3, load{})
				why := m.Why(time.Minute)
				if text := why.Sentence + strings.Join(why.Evidence, "; "); why.Healthy || why.Culprit.Stage != c.stage || !strings.Contains(text, c.says) {
					t.Errorf("%+v %s", why.Culprit, text)
				}
				w.pulse.InFlight, w.pulse.Queued = 0, 0
				w.run(1, load{})
				check(t, m.Why(time.Minute), "", 0, "Healthy")
			})
		})
	}
}

func TestOneHiccupIsNoTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := newMonitor(t)
		w := newWorker(m, "stream-0")
		w.run(60, usual)
		w.run(1, usual.but(map[event.Stage]time.Duration{event.StageProduce: 100 * time.Millisecond}))
		w.run(30, usual)
		check(t, m.Why(10*time.Minute), "", 0, "Healthy")
	})
}

func TestAPipelineWhoseBrokersTakeNothingIsNotHealthy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := newMonitor(t)
		w := newWorker(m, "up")
		w.run(20, usual)
		gateway := newWorker(m, "gateway").pulse
		var taken, failed int64
		counts := func(more, less int64) {
			for range 10 {
				taken, failed = taken+more, failed+less
				w.run(1, load{})
				gateway.At, gateway.Outcomes = time.Now(), map[string]int64{"accepted": taken, "failed": failed}
				m.Take(gateway)
			}
		}
		counts(20, 1)
		check(t, m.Why(time.Minute), "", 0, "Healthy")
		began := time.Now()
		counts(0, 2)
		counts(0, 2)
		why := m.Why(time.Minute)
		if why.Healthy || why.Culprit.Stage != "produce" || why.Culprit.Share != 1 || why.Since.Sub(began).Abs() > 2*time.Second || !strings.Contains(why.Sentence, "30 of the newest 30 events") {
			t.Errorf("%+v %s", why.Culprit, why.Sentence)
		}
		counts(20, 0)
		counts(20, 0)
		check(t, m.Why(time.Minute), "", 0, "Healthy")
	})
}

func TestAPipelineOfWhichMostEventsAreNotPredictedIsNotHealthy(t *testing.T) {
	for name, c := range map[string]struct {
		place     event.Place
		predicted int
		failing   map[string]int64
		stage     string
		says      string
	}{
		"all are shed":                      {event.Shed, 0, nil, "admit", "60 shed of the newest 60."},
		"most are shed, in time the others": {event.Shed, 1, nil, "admit", "60 shed of the newest 90."},
		"as many are predicted":             {event.Shed, 2, nil, "", "Healthy"},
		"shed, because every call fails":    {event.Shed, 0, map[string]int64{"connection": 40}, "model", "40 calls ended as connection"},
		"dead letters":                      {event.DeadLetter, 0, nil, "feature", "60 dead letters of the newest 60."},
		"dead letters that the model made":  {event.DeadLetter, 0, map[string]int64{"bad_input": 60}, "model", "60 calls ended as bad_input"},
		"shed, where a call failed too":     {event.Shed, 0, map[string]int64{"ok": 600, "connection": 1}, "admit", "1 call ended as connection"},
		"shed, where calls were not sent":   {event.Shed, 0, map[string]int64{"late": 60}, "admit", "60 shed of the newest 60."},
		"shed, where calls were called off": {event.Shed, 0, map[string]int64{"ok": 600, "canceled": 60}, "admit", "60 shed of the newest 60."},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, _ := newMonitor(t)
				w := newWorker(m, "stream-0")
				few := load{20, usual.stages, 0}
				w.run(20, few)
				w.run(5, load{})
				began := time.Now()
				for i := range 30 {
					for range 2 {
						w.meter.Observe(w.event(usual, 0), c.place, time.Time{})
					}
					w.pulse.Endpoints = []pulse.Endpoint{{Name: "fraud", Up: c.stage != "model"}}
					if i > 20 {
						w.pulse.Endpoints[0].Invocations = c.failing
					}
					w.run(1, load{c.predicted, usual.stages, 0})
				}
				why := m.Why(time.Minute)
				if c.stage == "" {
					check(t, why, "", 0, c.says)
					return
				}
				text := why.Sentence + strings.Join(why.Evidence, "; ")
				if why.Healthy || why.Culprit.Stage != c.stage || why.Remedy == "" || !strings.Contains(text, c.says) || why.Since.Sub(began).Abs() > 2*time.Second {
					t.Errorf("%+v since %v, began %v: %s", why.Culprit, why.Since, began, text)
				}
				w.pulse.Endpoints = nil
				w.run(40, few)
				check(t, m.Why(time.Minute), "", 0, "Healthy")
			})
		})
	}
}

func TestWhereFewEventsEndTheAnswerDoesNotChangeWithEachOfThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := newMonitor(t)
		w := newWorker(m, "stream-0")
		gateway := newWorker(m, "gateway").pulse
		var taken, failed int64
		w.run(20, load{20, usual.stages, 0})
		began := time.Now()
		for i := range 90 {
			one := load{1, usual.stages, 0}
			if i%3 != 2 {
				one.rate = 0
				w.meter.Observe(w.event(usual, 0), event.Shed, time.Time{})
			}
			w.run(1, one)
			if i < 30 {
				continue
			}
			if why := m.Why(time.Minute); why.Healthy || why.Since.Sub(began).Abs() > 3*time.Second {
				t.Fatalf("after %d s, two of three shed since %v: %s", i, began, why.Sentence)
			}
		}
		w.run(60, load{20, usual.stages, 0})
		check(t, m.Why(time.Minute), "", 0, "Healthy")
		began = time.Now()
		for i := range 60 {
			if i%3 != 2 {
				failed++
			} else {
				taken++
			}
			w.run(1, load{})
			gateway.At, gateway.Outcomes = time.Now(), map[string]int64{"accepted": taken, "failed": failed}
			m.Take(gateway)
			if i < 20 {
				continue
			}
			if why := m.Why(time.Minute); why.Healthy || why.Since.Sub(began).Abs() > 3*time.Second {
				t.Fatalf("after %d s, two of three not taken since %v: %s", i, began, why.Sentence)
			}
		}
	})
}
