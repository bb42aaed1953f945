package main

import (
	"testing"
	"time"
)

func TestStandstillsAreChargedToWhoHadThePartition(t *testing.T) {
	where := map[string]int32{"a": 0, "b": 0, "c": 0, "x": 1, "y": 1, "p": 2, "q": 2, "r": 3, "s": 3}
	h := &history{
		calls: []visit{
			{worker: "one", id: "a", at: at(20_000)}, {worker: "one", id: "b", at: at(20_100)}, {worker: "two", id: "c", at: at(20_400)},
			{worker: "gone", id: "x", at: at(50)}, {worker: "two", id: "y", at: at(6300)},
			{worker: "one", id: "p", at: at(100)}, {worker: "two", id: "q", at: at(10_500)},
			{worker: "one", id: "r", at: at(30_000)}, {worker: "one", id: "s", at: at(33_000)},
		},
		lives:   []life{{worker: "one"}, {worker: "two"}, {worker: "gone", how: crashed, to: at(100)}, {worker: "gone too", how: crashed, to: at(4000)}},
		where:   where,
		held:    newHoldings(),
		session: 6 * time.Second,
	}
	h.held.saw("one", at(20_050), map[int32]bool{0: true})
	h.held.saw("one", at(31_000), map[int32]bool{0: true}) // not 3: it was away
	got := h.standstills()
	got.who = ""
	want := stops{kept: 100 * time.Millisecond, moved: 3 * time.Second, orphaned: 10_400 * time.Millisecond, beyond: 500 * time.Millisecond}
	if got != want {
		t.Errorf("it says %+v, want %+v", got, want)
	}
}

func TestRepeatedCallsAreChargedToWhoAskedBefore(t *testing.T) {
	h := &history{
		calls: []visit{
			{worker: "gone", id: "a", at: at(0)}, // committed long before the crash
			{worker: "gone", id: "b", at: at(1500)}, {worker: "one", id: "c", at: at(1500)},
			{worker: "two", id: "a", at: at(1600)}, {worker: "two", id: "b", at: at(1600)}, {worker: "two", id: "c", at: at(1600)},
		},
		lives: []life{{worker: "gone", how: crashed, to: at(1510)}, {worker: "one"}, {worker: "two"}},
	}
	if got, want := h.askedAgain(), (again{crash: 2, excess: 1, worst: 2, handOver: 1, worstMove: 1}); got != want {
		t.Errorf("it says %+v, want %+v", got, want)
	}
}

func TestHeldPartitionsAreReadFromMetrics(t *testing.T) {
	text := `betimes_stream_lag_records{partition="3",pipeline="p",topic="events",worker="0"} 12
betimes_stream_lag_records{partition="11",pipeline="p",topic="events",worker="0"} 0
betimes_stream_delay_seconds{partition="5",topic="events"} 0`
	if got := partitionsIn(text); len(got) != 2 || !got[3] || !got[11] {
		t.Errorf("it reads %v, want 3 and 11", got)
	}
}
