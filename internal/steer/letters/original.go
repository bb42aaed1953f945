package letters

import (
	"context"
	"errors"
	"fmt"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// ErrNoBytes says that a letter does not have its event's bytes and that the
// event's own record is gone.
var ErrNoBytes = errors.New("the letter has no payload and the event's own record is gone")

// Read gives the record of a letter with the original key, value and foreign headers.
func (b *Box) Read(ctx context.Context, l *Letter) (*event.Event, error) {
	e, err := b.deps.Reader.ReadAt(ctx, l.At)
	if err != nil {
		return nil, fmt.Errorf("letter %s: %w", l.At, err)
	}
	return b.original(ctx, l, e)
}

// original gives the letter's record itself, or, when the event was too large
// to become a letter with its bytes, the record that the event came from.
func (b *Box) original(ctx context.Context, l *Letter, e *event.Event) (*event.Event, error) {
	if len(e.Value) > 0 {
		return e, nil
	}
	if l.Source.Topic == "" {
		return nil, fmt.Errorf("letter %s: %w", l.At, ErrNoBytes)
	}
	first, err := b.deps.Reader.ReadAt(ctx, l.Source)
	if errors.Is(err, kafka.ErrGone) || err == nil && idOf(first) != l.ID {
		return nil, fmt.Errorf("letter %s of %s: %w; drop it", l.At, l.Source, ErrNoBytes)
	}
	if err != nil {
		return nil, fmt.Errorf("letter %s: read its event: %w", l.At, err)
	}
	return first, nil
}

// idOf is the id that stream gives to the event of a record.
func idOf(e *event.Event) string {
	if id := e.OwnID(); id != "" {
		return id
	}
	return e.Source.String()
}

// again makes the record that begins a new round of the letter's event. With
// its clock written on it, objective.from has no say: an event whose own time is
// yesterday would come late before it begins.
func (r *round) again(l *Letter, e *event.Event) *kafka.Record {
	now := time.Now()
	var clock event.Timeline
	clock.Start(now)
	record := &kafka.Record{Topic: l.Source.Topic, Partition: l.Source.Partition, Key: e.Key, Value: e.Value}
	if _, ok := r.partitions[l.Source.Partition]; !ok {
		record.Partition = kafka.ByKey // the topic was made anew with fewer
	}
	for _, h := range e.Headers {
		if foreign(h.Name) {
			record.Headers = append(record.Headers, h)
		}
	}
	record.Headers = append(record.Headers,
		event.Header{Name: event.HeaderID, Value: []byte(l.ID)},
		event.Header{Name: event.HeaderTimeline, Value: clock.AppendHeader(nil)},
		event.Header{Name: event.HeaderOrigin, Value: []byte(l.Origin.String())},
		event.Header{Name: event.HeaderReplays, Value: appendRounds(nil, l.rounds(now))},
	)
	return record
}
