//go:build interop

package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"betimes/internal/config"
	"betimes/internal/event"
	"betimes/internal/kafka"
	"betimes/internal/steer/letters"
)

// The events of the test of parked keys: each key has as many, one of a sick key is poison.
const (
	parkKeys = 24
	parkEach = 25
	sickKeys = 8
)

// TestInteropParkedKeysComeBackInOrder kills the worker while keys are parked,
// and again while they are resumed.
func TestInteropParkedKeysComeBackInOrder(t *testing.T) {
	for where, start := range grounds() {
		for _, guarantee := range []string{"at_least_once", "exactly_once"} {
			t.Run(where+", "+guarantee, func(t *testing.T) { parkAndResume(t, start(t), guarantee) })
		}
	}
}

func parkAndResume(t *testing.T, brokers place, guarantee string) {
	s := newSite(t, brokers.addrs, "protocol: classic, membership: static, poison: park, guarantee: "+guarantee)
	if brokers.file != "" {
		s.move(t, brokers)
	}
	var ill atomic.Bool
	ill.Store(true)
	doctor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if ill.Load() && bytes.Contains(body, []byte("poison")) {
			http.Error(w, "no", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"score":0.5}`)
	}))
	t.Cleanup(doctor.Close)
	s.file = strings.ReplaceAll(s.file, s.model.URL, doctor.URL)

	one := s.worker(t, "one")
	s.sendKeys(t, 0, parkEach/2)
	one.kill() // what it has parked and not committed is parked again, or known
	one = s.worker(t, "one")
	s.sendKeys(t, parkEach/2, parkEach-1)
	s.settled(t)
	if parked, want := s.distinct(t, "parked"), sickKeys*(parkEach-2); parked != want {
		t.Errorf("%d events are parked, want %d", parked, want)
	}
	if predicted, want := s.distinct(t, "predictions"), (parkKeys-sickKeys)*(parkEach-1)+sickKeys; predicted != want {
		t.Errorf("%d events are predicted, want %d", predicted, want)
	}

	ill.Store(false)
	one.kill() // between parking and replay
	box := s.parkedBox(t)
	s.resume(t, box, time.Second)
	s.sendKeys(t, parkEach-1, parkEach) // behind what came back, while nobody is there
	one = s.worker(t, "one")
	go one.kill() // in the midst of it
	s.worker(t, "one")
	for deadline := time.Now().Add(patience); s.resume(t, box, 20*time.Second) > 0; {
		if time.Now().After(deadline) {
			t.Fatal("parked keys are not resumed")
		}
	}
	s.settled(t)
	s.inOrder(t, guarantee == "exactly_once")
}

// sendKeys writes the events from … to-1 of every key; the second of a sick one is poison.
func (s *site) sendKeys(t *testing.T, from, to int) {
	t.Helper()
	p, err := s.cluster.NewProducer("load")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for n := from; n < to; n++ {
		for key := range parkKeys {
			what := "fine"
			if n == 1 && key < sickKeys {
				what = "poison"
			}
			p.Write(&kafka.Record{Topic: s.prefix + "events", Partition: kafka.ByKey, Key: fmt.Appendf(nil, "k%d", key), Value: fmt.Appendf(nil, `{"n":%d,"what":%q}`, n, what),
				Headers: []event.Header{{Name: event.HeaderID, Value: fmt.Appendf(nil, "k%d-%d", key, n)}}}, s.wrote)
		}
	}
	if err := p.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// settled waits until everything is committed.
func (s *site) settled(t *testing.T) {
	t.Helper()
	s.stop = func() {}
	select {
	case <-s.stopped:
	default:
		close(s.stopped)
	}
	s.finish(t)
}

// distinct counts the events of a topic, copies left out.
func (s *site) distinct(t *testing.T, topic string) int {
	t.Helper()
	ids := map[string]bool{}
	for _, e := range s.read(t, topic) {
		ids[e.OwnID()] = true
	}
	return len(ids)
}

func (s *site) parkedBox(t *testing.T) *letters.Box {
	t.Helper()
	client := &Client{log: slog.New(slog.DiscardHandler), Config: config.Config{Name: s.prefix + "delivery", Kafka: s.brokers}}
	client.Config.Kafka.Topics.Events.Name = s.prefix + "events"
	client.Config.Flow.Stream.Group = s.prefix + "delivery"
	t.Cleanup(client.Close)
	box, err := client.Letters(s.prefix+"parked", true)
	if err != nil {
		t.Fatal(err)
	}
	return box
}

// resume sends back what waits and tells how much waits afterwards.
func (s *site) resume(t *testing.T, box *letters.Box, wait time.Duration) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	found, err := box.Find(ctx, letters.Filter{Oldest: true})
	if err != nil {
		t.Fatal(err)
	}
	report, err := box.Resume(ctx, letters.Order{Letters: found.Letters, Rate: 5000}, wait)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("resumed %d letters of %d, %d again, unread %v", report.Done, report.Asked, report.Again, report.Unread)
	if found, err = box.Find(ctx, letters.Filter{}); err != nil {
		t.Fatal(err)
	}
	return found.Open
}

// inOrder checks that each event is predicted, of each key in order the first
// time, and nothing else happened to it.
func (s *site) inOrder(t *testing.T, once bool) {
	t.Helper()
	next, copies := map[string]int{}, 0
	seen := map[string]bool{}
	for _, e := range s.read(t, "predictions") {
		id, key := e.OwnID(), string(e.Key)
		if seen[id] {
			copies++
			continue
		}
		seen[id] = true
		if want := fmt.Sprintf("%s-%d", key, next[key]); id != want {
			t.Errorf("%s is predicted where %s should be", id, want)
		}
		next[key]++
	}
	if len(seen) != parkKeys*parkEach || once && copies > 0 {
		t.Errorf("%d events are predicted, want %d; %d copies", len(seen), parkKeys*parkEach, copies)
	}
	if n := len(s.read(t, "dead-letters")); n > 0 {
		t.Errorf("%d dead letters", n)
	}
	t.Logf("%d events predicted in order, %d copies", len(seen), copies)
}
