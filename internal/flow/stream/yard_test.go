package stream

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// yard is a cluster with a topic parked, and what was done about its letters.
type yard struct {
	*cluster
	back  map[int32]map[int64]int64 // by partition and letter: the offset it was sent back to; -1: dropped
	sick  atomic.Bool               // its model fails values that begin with x
	asked atomic.Int64              // times that its model was
}

func newYard() *yard {
	y := &yard{cluster: newCluster(), back: map[int32]map[int64]int64{0: {}, 1: {}}}
	y.sick.Store(true)
	return y
}

// parks lets a Processor park in the yard.
func (y *yard) parks(c *Config, d *Deps) {
	c.Poison, c.Attempts, d.Waiting = poisonPark, 2, y.waiting
}

func (y *yard) waiting(_ context.Context, partitions []int32) ([]Waiting, error) {
	var all []Waiting
	for _, n := range partitions {
		for i, r := range y.letters(n) {
			y.mu.Lock()
			into, done := y.back[n][int64(i)]
			y.mu.Unlock()
			switch {
			case !done:
				all = append(all, Waiting{n, r.Key, int64(i), origin(r), -1})
			case into >= 0:
				all = append(all, Waiting{n, r.Key, int64(i), origin(r), into})
			}
		}
	}
	return all, nil
}

// letters are the records of a partition of parked.
func (y *yard) letters(partition int32) []*kafka.Record {
	y.mu.Lock()
	defer y.mu.Unlock()
	var all []*kafka.Record
	for _, r := range y.records {
		if r.Topic == "parked" && r.Partition == partition {
			all = append(all, r)
		}
	}
	return all
}

func origin(r *kafka.Record) int64 {
	text := headerOf(r, event.HeaderOrigin)
	if text == "" {
		text = headerOf(r, event.HeaderSource)
	}
	at, _ := event.ParseSource(text)
	return at.Offset
}

// replay sends the open letters of a partition back, in order of their origin;
// each is noted unless note says no.
func (y *yard) replay(partition int32, note func() bool) int {
	all := y.letters(partition)
	var open []int
	for i := range all {
		if _, done := y.back[partition][int64(i)]; !done {
			open = append(open, i)
		}
	}
	slices.SortStableFunc(open, func(a, b int) int { return int(origin(all[a]) - origin(all[b])) })
	for _, i := range open {
		y.mu.Lock()
		into := int64(len(y.log[partition]))
		y.mu.Unlock()
		r := all[i]
		y.send(partition, string(r.Key), string(r.Value),
			event.Header{Name: event.HeaderID, Value: []byte(headerOf(r, event.HeaderID))},
			event.Header{Name: event.HeaderOrigin, Value: fmt.Appendf(nil, "events:%d:%d", partition, origin(r))})
		if note() {
			y.mu.Lock()
			y.back[partition][int64(i)] = into
			y.mu.Unlock()
		}
	}
	return len(open)
}

func always() bool { return true }

// running runs a Processor that parks in the yard and asks its model.
func (y *yard) running(t testing.TB, change ...func(*Config, *Deps)) (*Processor, func() error) {
	t.Helper()
	return running(t, y.cluster, y.model, append([]func(*Config, *Deps){y.parks}, change...)...)
}

// model is Work.
func (y *yard) model(ctx context.Context, e *event.Event) event.Ending {
	y.asked.Add(1)
	if y.sick.Load() && strings.HasPrefix(string(e.Value), "x") {
		return event.Ending{Place: event.Unfinished, Counted: true, Reason: event.ReasonModelError, Stage: event.StageModel, Err: errModel}
	}
	return predict(ctx, e)
}

// predicted lists the predictions of a key, and counts copies.
func (y *yard) predicted(key string) (all []string, copies int) {
	for _, r := range y.records {
		switch {
		case r.Topic != "predictions" || string(r.Key) != key:
		case slices.Contains(all, string(r.Value)):
			copies++
		default:
			all = append(all, string(r.Value))
		}
	}
	return all, copies
}

// choosy is Work that cannot decode values with a question mark.
func choosy(ctx context.Context, e *event.Event) event.Ending {
	if strings.Contains(string(e.Value), "?") {
		return event.Fail(event.ReasonUndecodable, event.StageFeature, errModel)
	}
	return predict(ctx, e)
}
