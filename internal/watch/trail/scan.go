package trail

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"betimes/internal/event"
)

// Filter says which events to look for. Set fields must all hold.
type Filter struct {
	Since time.Time                 // of the accepted record, or with Slowest of the ending
	ID    string                    // this event
	Key   []byte                    // events of this key
	Where func(e *event.Event) bool // over the accepted record
	// Slowest looks for the predictions that took longest instead of the newest events.
	Slowest bool
	Limit   int // most events; 0: 10
	// Progress, when set, is told now and then how many records were read.
	Progress func(records int64)
}

// Scan reads the topics themselves, for who has no index at hand. The slowest
// come slowest first, others newest first. Memory is that of Limit events.
func Scan(ctx context.Context, r Reader, topics Topics, f Filter) ([]event.Whereabouts, error) {
	if f.Limit <= 0 {
		f.Limit = 10
	}
	s := scan{reader: r, topics: topics, filter: f}
	if f.Slowest {
		return s.slowest(ctx)
	}
	return s.newest(ctx)
}

type scan struct {
	reader Reader
	topics Topics
	filter Filter
	read   int64
}

// each gives f every record of the topics from Since to their present end.
func (s *scan) each(ctx context.Context, topics []string, f func(*event.Event)) error {
	tail, err := s.reader.Tail(ctx, topics, Start{At: s.filter.Since})
	if err != nil {
		return fmt.Errorf("reading %v: %w", topics, err)
	}
	defer tail.Close()
	for !tail.CaughtUp() {
		events, err := tail.Poll(ctx)
		if err != nil {
			return fmt.Errorf("reading %v: %w", topics, err)
		}
		for _, e := range events {
			f(e)
		}
		s.read += int64(len(events))
		if s.filter.Progress != nil {
			s.filter.Progress(s.read)
		}
	}
	return nil
}

// newest finds the newest accepted events that match, then their endings.
func (s *scan) newest(ctx context.Context) ([]event.Whereabouts, error) {
	newest := top[event.Whereabouts]{limit: s.filter.Limit, above: func(a, b event.Whereabouts) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.Accepted.Offset, a.Accepted.Offset))
	}}
	err := s.each(ctx, []string{s.topics.Events}, func(e *event.Event) {
		if s.matches(e) {
			newest.add(accepted(e))
		}
	})
	if err != nil || len(newest.list) == 0 {
		return nil, err
	}
	at := make(map[event.Source]int, len(newest.list))
	for i, w := range newest.list {
		at[w.Accepted] = i
	}
	err = s.each(ctx, s.topics.ends(), func(e *event.Event) {
		source, _ := sourceOf(e)
		i, ok := at[source]
		if !ok || idOf(e) != newest.list[i].ID {
			return
		}
		w := ended(e, s.topics.place(e.Source.Topic))
		w.At, w.Payload, w.Key = newest.list[i].At, newest.list[i].Payload, newest.list[i].Key
		newest.list[i] = w
	})
	return newest.list, err
}

func (s *scan) matches(e *event.Event) bool {
	f := s.filter
	return (f.ID == "" || idOf(e) == f.ID) && (f.Key == nil || bytes.Equal(e.Key, f.Key)) && (f.Where == nil || f.Where(e))
}

// slowest finds the predictions that took longest, then their accepted records.
func (s *scan) slowest(ctx context.Context) ([]event.Whereabouts, error) {
	slowest := top[slow]{limit: s.filter.Limit, above: func(a, b slow) int { return cmp.Compare(b.latency, a.latency) }}
	err := s.each(ctx, []string{s.topics.Predictions}, func(e *event.Event) {
		if latency, ok := latencyOf(e); ok && (s.filter.Key == nil || bytes.Equal(e.Key, s.filter.Key)) {
			slowest.add(slow{latency, e})
		}
	})
	if err != nil {
		return nil, err
	}
	var out []event.Whereabouts
	for _, one := range slowest.list {
		w, err := complete(ctx, s.reader, ended(one.event, event.Predicted))
		if err != nil {
			return out, err
		}
		out = append(out, w)
	}
	return out, nil
}

type slow struct {
	latency time.Duration
	event   *event.Event
}

// latencyOf is how long a prediction took until it was handed to the producer.
func latencyOf(e *event.Event) (time.Duration, bool) {
	if t, err := event.ParseTimeline(e.Header(event.HeaderTimeline)); err == nil {
		return t.Total(), true
	}
	p, ok := envelope(e)
	return time.Duration(p.LatencyUS) * time.Microsecond, ok
}

// top keeps the limit elements that are above the others, in order.
type top[T any] struct {
	limit int
	above func(a, b T) int
	list  []T
}

func (t *top[T]) add(one T) {
	at, _ := slices.BinarySearchFunc(t.list, one, t.above)
	if at == t.limit {
		return
	}
	if len(t.list) == t.limit {
		t.list = t.list[:t.limit-1]
	}
	t.list = slices.Insert(t.list, at, one)
}

// Lookup is Find without an index: it reads the topics from since on.
func Lookup(ctx context.Context, r Reader, topics Topics, f Filter) (event.Whereabouts, error) {
	if f.ID == "" {
		return event.Whereabouts{}, errors.New("trail: a lookup needs an id")
	}
	f.Slowest, f.Limit = false, 1
	all, err := Scan(ctx, r, topics, f)
	if err != nil {
		return event.Whereabouts{}, err
	}
	if len(all) == 0 {
		return event.Whereabouts{}, event.ErrUnknown
	}
	return all[0], nil
}
