package latency

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/pulse"
)

// process sends pulses of a process that counts n of everything a second.
func process(m *Monitor, name string, epoch time.Time, n int64, needUS int64) {
	one := pulse.Model{Name: "fraud",
		Admit: &pulse.Admit{Decisions: map[string]int64{"pass": 9 * n, "would_be_late": n}, Fallbacks: n, Inside: 2, NeedUS: 1000 * n, AloneUS: 500},
		Batch: &pulse.Batch{Reasons: map[string]int64{"free": n, "full": n}, Sizes: []int64{n, 0, n}, Events: 5 * n, UnderWay: 1, Limit: 2, Most: 64,
			CallUS: 4000, EventUS: 100, Waiting: 3, Lanes: []pulse.Lane{{Priority: 5, Waiting: int(n)}}},
	}
	m.Take(pulse.Pulse{
		Instance: name, Role: "stream", Epoch: epoch.UnixMicro(), At: time.Now(), Models: []pulse.Model{one},
		NeedUS: map[string]int64{"broker": needUS, "model": 4 * needUS, "retry": 99, "nonsense": 5, "queue": -7}, Admission: &pulse.Admission{Rate: 100, NeedUS: needUS},
		Endpoints: []pulse.Endpoint{
			{Model: "fraud", Name: "a", Up: true, Limit: 8, LearnedUS: 5000, Invocations: map[string]int64{"ok": 3 * n}, Hedges: map[string]int64{"won": n, "busy": 0}},
			{Model: "fraud", Name: "b", Up: true, Out: true, Limit: 8, Retries: n, Invocations: map[string]int64{"ok": n}},
		},
	})
}

func TestHowModelsAreAskedIsSummedOverTheProcessesOfTheLastMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := newMonitor(t)
		epoch := time.Now()
		for i := range int64(100) {
			time.Sleep(time.Second) // of the bubble's clock
			process(m, "stream-0", epoch, i, 10_000)
			process(m, "stream-1", epoch, 2*i, 20_000)
		}
		all := m.Models()
		if len(all) != 1 || all[0].Admit == nil || all[0].Batch == nil {
			t.Fatalf("%+v", all)
		}
		a, b := all[0].Admit, all[0].Batch
		if a.InPerS != 27 || a.RefusedPerS != 3 || a.Decisions["pass"] != 27*60 || a.Fallbacks != 3*60 || a.Inside != 4 || a.NeedUS != 198_000 {
			t.Errorf("admission %+v", a)
		}
		if b.Mean != 2.5 || b.CallsPerS != 6 || b.UnderWay != 2 || b.Limit != 4 || b.Waiting != 6 || !slices.Equal(b.Sizes, []int64{180, 0, 180}) {
			t.Errorf("shared calls %+v", b)
		}
		if len(b.Lanes) != 2 || b.Lanes[0].Waiting != 198 {
			t.Errorf("lanes %+v, want the longest first", b.Lanes)
		}
		e := m.Endpoints()
		if len(e) != 2 || e[0].Share != 0.75 || e[0].Limit != 16 || e[0].LearnedUS != 5000 || !e[1].Out || e[0].Out || e[1].Retries != 180 || !maps.Equal(e[0].Hedges, map[string]int64{"won": 180}) {
			t.Errorf("endpoints %+v", e)
		}
	})
}

func TestAModelThatOneProcessAsksInPartIsThereAndNothingIsWhereNobodySpeaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := newMonitor(t)
		if all, gate, b := m.Models(), m.Admission(), m.Budget(); len(all) != 0 || gate != nil || len(b.Stages) != 0 || b.SlackUS != 250_000 {
			t.Errorf("%v %v %+v", all, gate, b)
		}
		for range 2 {
			time.Sleep(time.Second)
			m.Take(pulse.Pulse{Instance: "a", Role: "stream", Epoch: 1, At: time.Now(), Models: []pulse.Model{{Name: "bare"}}})
		}
		if all := m.Models(); len(all) != 1 || all[0].Admit != nil || all[0].Batch != nil {
			t.Errorf("%+v", all)
		}
	})
}

func TestListsWithoutEntriesAreEmptyAndNotNull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := newMonitor(t)
		for range 2 {
			time.Sleep(time.Second)
			m.Take(pulse.Pulse{Instance: "a", Role: "stream", Epoch: 1, At: time.Now(), Models: []pulse.Model{{Name: "idle", Batch: &pulse.Batch{}}}})
		}
		text, err := json.Marshal([]any{m.Report(time.Minute), m.Models()})
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`"stages":[]`, `"sizes":[]`, `"lanes":[]`} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s is not in %s", want, text)
			}
		}
	})
}

func TestTheObjectiveIsSplitByWhatTheStagesNeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := newMonitor(t)
		process(m, "stream-0", time.Now(), 1, 10_000)
		process(m, "stream-1", time.Now(), 1, 30_000) // the mean is 20 ms and four times that
		b := m.Budget()
		want := []BudgetStage{{"broker", 20_000, 50_000}, {"model", 80_000, 200_000}}
		if b.LatencyUS != 250_000 || b.NeedUS != 100_000 || b.SlackUS != 150_000 || !slices.Equal(b.Stages, want) {
			t.Errorf("%+v, want %+v", b, want)
		}
	})
}

func TestWhatIsPredictedInTimeIsUnboundWhileOneProcessKnowsNoBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := newMonitor(t)
		gateway := func(turned int64) {
			m.Take(pulse.Pulse{Instance: "gateway-0", Role: "gateway", Epoch: 1, At: time.Now(), Outcomes: map[string]int64{TurnedAway: turned}})
		}
		gateway(10)
		time.Sleep(2 * time.Second)
		gateway(40)
		process(m, "stream-0", time.Now(), 1, 10_000)
		process(m, "stream-1", time.Now(), 1, 30_000)
		if got := m.Admission(); got == nil || *got != (Admission{TurnedAwayPerS: 15, BoundPerS: 200, NeedUS: 30_000}) {
			t.Errorf("%+v", got)
		}
		m.Take(pulse.Pulse{Instance: "stream-2", Role: "stream", Epoch: 1, At: time.Now(), Admission: &pulse.Admission{}})
		if got := m.Admission(); got.BoundPerS != 0 {
			t.Errorf("bound %v although one has none", got.BoundPerS)
		}
	})
}
