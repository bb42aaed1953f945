package app

import (
	"context"
	"time"

	"betimes/internal/config"
	"betimes/internal/event"
	"betimes/internal/flow/stream"
	"betimes/internal/kafka"
	"betimes/internal/steer/letters"
)

// parking tells the workers of this process what waits in the topic parked: all of
// it when a partition comes, then what is dropped by a person or by retention.
type parking struct {
	app     *App
	box     *letters.Box
	workers []*stream.Processor
}

const (
	parkRetry  = time.Second     // between two attempts at following what is dropped
	parkExpiry = time.Minute     // how often the beginning of the topic is looked at
	parkMargin = 5 * time.Minute // brokers' clocks may be behind
)

// parkedTopic is where events wait, empty when nothing is ever parked.
func parkedTopic(c config.Config) string {
	if !c.Flow.Stream.Parks() {
		return ""
	}
	return c.Kafka.Topics.Parked.Name
}

// buildParking makes the parking, or nil when nothing is parked.
func (a *App) buildParking() (*parking, error) {
	if !a.config.Flow.Stream.Parks() {
		return nil, nil
	}
	cluster, err := a.cluster("parked")
	if err != nil {
		return nil, err
	}
	topics := a.config.Kafka.Topics
	return &parking{app: a, box: letters.New(letters.Deps{Reader: letterReader{cluster, true}, Topics: letters.Topics{
		Letters: topics.Parked.Name, Events: topics.Events.Name, State: kafka.StateTopic(a.config.Name).Name,
	}})}, nil
}

// waiting reads what waits of some partitions.
func (p *parking) waiting(ctx context.Context, partitions []int32) ([]stream.Waiting, error) {
	found, err := p.box.Waiting(ctx, partitions)
	if err != nil {
		return nil, err
	}
	all := make([]stream.Waiting, 0, len(found))
	for i := range found {
		l := &found[i]
		w := stream.Waiting{Partition: l.At.Partition, Key: l.Key, Letter: l.At.Offset, Origin: l.Origin.Offset, Into: -1}
		if l.Handled != nil {
			if into, ok := event.ParseSource(l.Handled.Into); ok {
				w.Into = into.Offset
			}
		}
		all = append(all, w)
	}
	return all, nil
}

// Run follows what is dropped until ctx ends.
func (p *parking) Run(ctx context.Context) error {
	go p.expire(ctx)
	since := time.Now().Add(-parkMargin)
	for ctx.Err() == nil {
		err := p.box.Follow(ctx, since, func(at event.Source) {
			for _, one := range p.workers {
				one.Dropped(at.Partition, at.Offset)
			}
		})
		if ctx.Err() == nil {
			p.app.log.Warn("dropped letters are not followed, tried again", "error", err)
			wait(ctx, parkRetry)
		}
	}
	return nil
}

// expire tells of letters that retention removed.
func (p *parking) expire(ctx context.Context) {
	for wait(ctx, parkExpiry) {
		start, err := p.box.Start(ctx)
		if err != nil {
			continue // the next minute's attempt is early enough
		}
		for partition, offset := range start {
			for _, one := range p.workers {
				one.Expired(partition, offset)
			}
		}
	}
}

// wait waits, and says no when ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
