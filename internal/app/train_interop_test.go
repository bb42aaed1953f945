//go:build interop

package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
	"betimes/internal/steer/rollout"
)

// TestInteropExactRangesOfATopicAreReadAgain reads a topic with an aborted
// transaction in its midst and one at its end: whole, and a range that begins
// and ends among what was aborted.
func TestInteropExactRangesOfATopicAreReadAgain(t *testing.T) {
	for where, start := range grounds() {
		t.Run(where, func(t *testing.T) {
			s := newSite(t, start(t).addrs, "guarantee: at_least_once")
			topics := &trainingTopics{open: func() (*kafka.Cluster, error) { return s.cluster, nil }}
			if err := s.cluster.EnsureTopics(t.Context(), []kafka.TopicSpec{{Name: "labelled", Partitions: 2, ReplicationFactor: 1}}, true); err != nil {
				t.Fatal(err)
			}
			s.label(t, "a", 40)
			s.abortLabels(t, 20)
			s.label(t, "b", 40)
			s.abortLabels(t, 20)
			first, next, err := topics.Offsets(t.Context(), "labelled")
			if err != nil {
				t.Fatal(err)
			}
			whole := rollout.Ranges{}
			for p := range next {
				whole[p] = rollout.Range{From: first[p], To: next[p]}
			}
			read := readAll(t, topics, whole)
			if len(read) != 80 {
				t.Errorf("%d records are read, want 80: %v", len(read), read)
			}
			for _, within := range []rollout.Ranges{whole, {0: {From: 5, To: next[0] - 3}, 1: {From: 21, To: 30}}} {
				want := slices.DeleteFunc(slices.Clone(read), func(src event.Source) bool {
					r := within[src.Partition]
					return src.Offset < r.From || src.Offset >= r.To
				})
				if got := readAll(t, topics, within); !slices.Equal(got, want) {
					t.Errorf("%s: %d records, want %d", within, len(got), len(want))
				}
			}
		})
	}
}

func readAll(t *testing.T, topics *trainingTopics, ranges rollout.Ranges) []event.Source {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	read := map[event.Source]bool{}
	if err := topics.Read(ctx, "labelled", ranges, func(e *event.Event) error {
		read[e.Source] = true
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return slices.SortedFunc(maps.Keys(read), func(a, b event.Source) int {
		if a.Partition != b.Partition {
			return int(a.Partition - b.Partition)
		}
		return int(a.Offset - b.Offset)
	})
}

func labelled(name string, i int) *kafka.Record {
	return &kafka.Record{Topic: "labelled", Partition: int32(i % 2), Value: fmt.Appendf(nil, `{"y":%d,"of":%q}`, i%2, name)}
}

func (s *site) label(t *testing.T, name string, n int) {
	t.Helper()
	p, err := s.cluster.NewProducer("labels")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	failed := make(chan error, n)
	for i := range n {
		p.Write(labelled(name, i), func(_ event.Source, err error) { failed <- err })
	}
	for range n {
		if err := <-failed; err != nil {
			t.Fatal(err)
		}
	}
}

func (s *site) abortLabels(t *testing.T, n int) {
	t.Helper()
	w := s.cluster.NewTransactions("labels", kafka.TransactionsConfig{ID: "labels", Timeout: time.Minute})
	defer w.Close()
	if err := w.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		w.Write(labelled("aborted", i), func(event.Source, error) {})
	}
	if err := w.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.Abort(t.Context()); err != nil {
		t.Fatal(err)
	}
}
