package latency

import (
	"testing"
	"time"

	"betimes/internal/event"

	"github.com/prometheus/client_golang/prometheus"
)

var began = time.Unix(1_700_000_000, 0)

// finished is an event that spent 2 ms in the broker and 5 ms in the model.
func finished() *event.Event {
	e := &event.Event{Deadline: began.Add(10 * time.Millisecond)}
	e.Timeline.Start(began)
	e.Timeline.Mark(event.StageBroker, began.Add(2*time.Millisecond))
	e.Timeline.Mark(event.StageModel, began.Add(7*time.Millisecond))
	return e
}

func newTestMeter(t *testing.T) (*Meter, *prometheus.Registry) {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	m, err := NewMeter(reg)
	if err != nil {
		t.Fatal(err)
	}
	return m, reg
}

func TestAPredictedEventIsCountedPerStageAndAsAWhole(t *testing.T) {
	m, _ := newTestMeter(t)
	m.Observe(finished(), event.Predicted, began.Add(8*time.Millisecond))
	m.Observe(finished(), event.Predicted, began.Add(11*time.Millisecond))
	m.Observe(finished(), event.DeadLetter, began.Add(time.Hour))

	stages := m.Stages()
	for name, wantUS := range map[string]int64{"broker": 4000, "model": 10_000, "publish": 5000, Whole: 19_000} {
		if got := stages[name].SumUS; got != wantUS {
			t.Errorf("%s: sum %d µs, want %d", name, got, wantUS)
		}
	}
	if len(stages) != 4 {
		t.Errorf("stages that no event passed are listed: %v", stages)
	}
	out := m.Outcomes()
	if out["predicted"] != 2 || out["dead_letter"] != 1 || out[Late] != 1 {
		t.Errorf("outcomes %v, want 2 predicted, 1 dead letter, 1 late", out)
	}
}

func TestAPublishThatTheStreamMarkedIsNotCountedTwice(t *testing.T) {
	m, _ := newTestMeter(t)
	e := finished()
	e.Timeline.Mark(event.StagePublish, began.Add(9*time.Millisecond))
	m.Observe(e, event.Predicted, began.Add(12*time.Millisecond))
	if got := m.Stages()[Whole].SumUS; got != 9000 {
		t.Errorf("whole %d µs, want 9000", got)
	}
}

func TestPrometheusSeesClassicAndNativeBuckets(t *testing.T) {
	m, reg := newTestMeter(t)
	m.Observe(finished(), event.Predicted, began.Add(8*time.Millisecond))
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, f := range families {
		for _, metric := range f.GetMetric() {
			h := metric.GetHistogram()
			found[f.GetName()]++
			if h.GetSampleCount() != 1 || len(h.GetBucket()) != len(bounds) || len(h.GetPositiveSpan()) == 0 {
				t.Errorf("%s: %v", f.GetName(), h)
			}
			for _, b := range h.GetBucket() {
				inside := b.GetUpperBound()*1e6 >= float64(int64(h.GetSampleSum()*1e6+0.5))
				if inside != (b.GetCumulativeCount() == 1) {
					t.Errorf("%s: bucket %g counts %d of %g s", f.GetName(), b.GetUpperBound(), b.GetCumulativeCount(), h.GetSampleSum())
				}
			}
		}
	}
	if found["betimes_latency_event_seconds"] != 1 || found["betimes_latency_stage_seconds"] != 3 {
		t.Errorf("families %v", found)
	}
}

func TestObserveAllocatesNothing(t *testing.T) {
	m, _ := newTestMeter(t)
	e := finished()
	if n := testing.AllocsPerRun(100, func() { m.Observe(e, event.Predicted, began.Add(8*time.Millisecond)) }); n != 0 {
		t.Errorf("%v allocations for each event", n)
	}
}

func BenchmarkObserve(b *testing.B) {
	m, _ := NewMeter(prometheus.NewRegistry())
	e := finished()
	for b.Loop() {
		m.Observe(e, event.Predicted, began.Add(8*time.Millisecond))
	}
}
