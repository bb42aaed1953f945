//go:build interop

package app

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// The events of the test of topics that take small batches: each key has as many,
// and one of them has a prediction that is too large.
const (
	crowdKeys = 16
	crowdEach = 20
)

// TestInteropATopicThatTakesSmallBatches has many large predictions for a topic
// that takes three of them in a batch: only what is too large by itself becomes a
// dead letter.
func TestInteropATopicThatTakesSmallBatches(t *testing.T) {
	for where, start := range map[string]func(*testing.T) place{"Apache Kafka": together, "embedded": embeddedBrokers} {
		for _, guarantee := range []string{"at_least_once", "exactly_once"} {
			t.Run(where+", "+guarantee, func(t *testing.T) {
				t.Parallel()
				crowd(t, start(t), guarantee)
			})
		}
	}
}

func crowd(t *testing.T, brokers place, guarantee string) {
	s := newSite(t, brokers.addrs, "protocol: classic, membership: static, guarantee: "+guarantee)
	wordy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		size := 60_000
		if strings.Contains(string(body), "large") {
			size = 300_000
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"text":"%s"}`, strings.Repeat("x", size))
	}))
	t.Cleanup(wordy.Close)
	s.file = strings.ReplaceAll(s.file, s.model.URL, wordy.URL)
	s.narrows(t)
	s.sendCrowd(t)
	worker := s.worker(t, "one")
	s.settled(t)
	worker.leave(t)
	s.onlyTheLarge(t)
}

// isLarge says which events of a key have a prediction too large.
func isLarge(n int) bool { return n == crowdEach/2 }

// sendCrowd writes all events.
func (s *site) sendCrowd(t *testing.T) {
	t.Helper()
	p, err := s.cluster.NewProducer("load")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for n := range crowdEach {
		for key := range crowdKeys {
			what := "fine"
			if isLarge(n) {
				what = "large"
			}
			p.Write(&kafka.Record{
				Topic: "events", Partition: 0, Key: fmt.Appendf(nil, "k%d", key), Value: fmt.Appendf(nil, `{"n":%d,"what":%q}`, n, what),
				Headers: []event.Header{{Name: event.HeaderID, Value: fmt.Appendf(nil, "k%d-%d", key, n)}},
			}, s.wrote)
		}
	}
	if err := p.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// narrows makes the topics; that of predictions takes batches of 200,000 bytes.
func (s *site) narrows(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	all := kafka.TopicSpecs(s.brokers, "delivery")
	i := slices.IndexFunc(all, func(one kafka.TopicSpec) bool { return one.Name == "predictions" })
	all[i].Configs["max.message.bytes"] = "200000"
	if err := s.cluster.EnsureTopics(ctx, all, true); err != nil {
		t.Fatal(err)
	}
}

// onlyTheLarge checks that each event has one ending, the first of each key in
// order, and that dead letters are those of predictions too large.
func (s *site) onlyTheLarge(t *testing.T) {
	t.Helper()
	for topic, want := range map[string]bool{"predictions": false, "dead-letters": true} {
		var all [crowdKeys][]int
		for _, e := range s.read(t, topic) {
			var key, n int
			if _, err := fmt.Sscanf(e.OwnID(), "k%d-%d", &key, &n); err != nil {
				t.Fatal(err)
			}
			all[key] = append(all[key], n)
		}
		for key, got := range all {
			next := 0
			for _, n := range got {
				for ; next < n && isLarge(next) != want; next++ {
				}
				if n != next {
					t.Errorf("%s of k%d: %v", topic, key, got)
					break
				}
				next++
			}
			for ; next < crowdEach && isLarge(next) != want; next++ {
			}
			if next != crowdEach {
				t.Errorf("%s of k%d ends before %d: %v", topic, key, next, got)
			}
		}
	}
}
