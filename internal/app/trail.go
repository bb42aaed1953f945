package app

import (
	"context"
	"errors"
	"fmt"

	"betimes/internal/config"
	"betimes/internal/event"
	"betimes/internal/kafka"
	"betimes/internal/watch/trail"
)

// buildTrail makes the index of where events are, once per process. A lazy one
// begins when it is first asked.
func (a *App) buildTrail(role string, lazy bool) (*trail.Trail, error) {
	if a.trail != nil {
		return a.trail, nil
	}
	cluster, err := a.cluster(role)
	if err != nil {
		return nil, err
	}
	dir := ""
	if !lazy {
		if dir, err = a.folder.sub("trail"); err != nil {
			return nil, err
		}
	}
	a.trail, err = trail.New(a.config.Watch.Trail, trail.Deps{
		Log: a.log, Registerer: a.metrics, Reader: trailReader{cluster}, Dir: dir, Lazy: lazy,
		Topics: trailTopics(a.config),
	})
	if err != nil {
		return nil, err
	}
	a.add("trail", a.trail)
	return a.trail, nil
}

// trailTopics names where events come in and end.
func trailTopics(c config.Config) trail.Topics {
	t := c.Kafka.Topics
	return trail.Topics{
		Events: t.Events.Name, Predictions: t.Predictions.Name, DeadLetters: t.DeadLetters.Name, Quarantine: t.Quarantine.Name, Shed: t.Shed.Name, Parked: parkedTopic(c),
	}
}

// trailReader reads topics for the trail through the kafka door.
type trailReader struct{ cluster *kafka.Cluster }

// Tail follows topics.
func (r trailReader) Tail(ctx context.Context, topics []string, from trail.Start) (trail.Tail, error) {
	start := kafka.TailStart()
	if !from.At.IsZero() {
		start = kafka.TailAt(from.At)
	}
	if len(from.Positions) > 0 {
		next := make(map[kafka.Partition]int64, len(from.Positions))
		for p, offset := range from.Positions {
			next[kafka.Partition(p)] = offset
		}
		start = kafka.TailOffsets(next)
	}
	tail, err := r.cluster.NewTail(ctx, kafka.TailConfig{Topics: topics, From: start})
	if err != nil {
		return nil, gone(err)
	}
	return trailTail{tail}, nil
}

// ReadAt reads one record.
func (r trailReader) ReadAt(ctx context.Context, at event.Source) (*event.Event, error) {
	e, err := r.cluster.ReadAt(ctx, at)
	return e, gone(err)
}

type trailTail struct{ *kafka.Tail }

// Poll waits for records.
func (t trailTail) Poll(ctx context.Context) ([]*event.Event, error) {
	events, err := t.Tail.Poll(ctx)
	return events, gone(err)
}

// gone says the trail's word for a record that is not there any more.
func gone(err error) error {
	if errors.Is(err, kafka.ErrGone) {
		return fmt.Errorf("%w: %w", trail.ErrGone, err)
	}
	return err
}
