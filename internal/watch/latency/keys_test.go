package latency

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
	"betimes/internal/pulse"
)

// holder sends a second's pulse of a worker that took so many events.
func holder(m *Monitor, name string, taken float64, keys ...pulse.Key) {
	m.Take(pulse.Pulse{Instance: name, Role: "stream", Epoch: 1, At: time.Now(), TakenPerS: taken, Keys: keys})
}

func TestTheKeysOfAllWorkersAreListedByTheirPartOfAllEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := newMonitor(t)
		if all := m.Keys(); all == nil || len(all) != 0 {
			t.Errorf("%v before the first pulse, want an empty list", all)
		}
		holder(m, "stream-0", 300, pulse.Key{Key: "b", Partition: 3, PerS: 30})
		holder(m, "stream-1", 100, pulse.Key{Key: "a", Partition: 7, PerS: 80, Waiting: 12}, pulse.Key{Key: "c", Partition: 7, PerS: 10})
		want := []Key{{"a", 7, "stream-1", 80, 0.2, 12}, {"b", 3, "stream-0", 30, 0.075, 0}, {"c", 7, "stream-1", 10, 0.025, 0}}
		if all := m.Keys(); !slices.Equal(all, want) {
			t.Errorf("%+v, want %+v", all, want)
		}
		time.Sleep(silentAfter + time.Second)
		holder(m, "stream-0", 300)
		if all := m.Keys(); len(all) != 0 {
			t.Errorf("%+v of a worker that is silent", all)
		}
	})
}

func TestAListOfKeysIsBoundedAndItsSharesAreNotMoreThanAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := newMonitor(t)
		holder(m, "stream-0", 1, slices.Repeat([]pulse.Key{{Key: "a", PerS: 5}}, 100)...)
		all := m.Keys()
		if len(all) != mostKeys || all[0].Share != 1 {
			t.Errorf("%d keys, the first with %v of all", len(all), all[0].Share)
		}
	})
}

func TestWhyNamesTheKeyThatEventsWaitFor(t *testing.T) {
	for name, test := range map[string]struct {
		stage   event.Stage
		keys    []pulse.Key
		says    string // in the evidence; empty: no key
		remedy  string
		waiting int
	}{
		"one key for which most wait": {event.StageQueue, []pulse.Key{{Key: "card 4711\x1b", Partition: 3, PerS: 60, Waiting: 180}},
			`key "card 4711\x1b" of partition 3 (stream-0): 60 % of the events, 60 a second, 180 waiting for the one in work`, "more workers or concurrency do not help", 200},
		"a long key, of which a line has room for the beginning": {event.StageQueue, []pulse.Key{{Key: strings.Repeat("é", 300), PerS: 60, Waiting: 180}},
			`key "` + strings.Repeat("é", mostOfKey) + `"… of partition 0`, "more workers or concurrency do not help", 200},
		"one key for which few wait": {event.StageQueue, []pulse.Key{{Key: "a", PerS: 60, Waiting: 20}},
			`key "a" of partition 0`, "raise flow.stream.concurrency", 200},
		"no key for which any waits":                  {event.StageQueue, []pulse.Key{{Key: "a", PerS: 60}}, "", "raise flow.stream.concurrency", 200},
		"a model that is slow, and a key that has to": {event.StageModel, []pulse.Key{{Key: "a", PerS: 60, Waiting: 180}}, "", "The model itself takes longer", 200},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, _ := newMonitor(t)
				w := newWorker(m, "stream-0")
				w.run(30, usual)
				w.pulse.TakenPerS, w.pulse.Keys, w.pulse.Queued, w.pulse.InFlight = 100, test.keys, test.waiting+10, 10
				w.run(20, usual.but(map[event.Stage]time.Duration{test.stage: 300 * time.Millisecond}))
				why := m.Why(time.Minute)
				text := strings.Join(why.Evidence, "; ")
				if why.Culprit == nil || why.Culprit.Stage != test.stage.String() || !strings.Contains(text, test.says) || test.says == "" && strings.Contains(text, "key ") {
					t.Errorf("%+v: %s; want %q", why.Culprit, text, test.says)
				}
				if !strings.Contains(why.Remedy, test.remedy) {
					t.Errorf("remedy %q, want %q", why.Remedy, test.remedy)
				}
			})
		})
	}
}
