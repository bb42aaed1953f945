package app

import (
	"context"
	"log/slog"
	"time"

	"betimes/internal/event"
	"betimes/internal/flow/gateway"
	"betimes/internal/kafka"
)

// follow gives every record of a topic to take until ctx ends. Brokers that do
// not answer are waited for; what cannot be read is passed over.
func follow(ctx context.Context, log *slog.Logger, cluster *kafka.Cluster, topic string, from kafka.TailFrom, take func(*event.Event)) {
	for {
		opened, err := read(ctx, cluster, topic, from, take)
		if ctx.Err() != nil {
			return
		}
		log.Warn("topic cannot be followed, trying again", "topic", topic, "error", err)
		if opened {
			from = kafka.TailEnd()
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
	}
}

func read(ctx context.Context, cluster *kafka.Cluster, topic string, from kafka.TailFrom, take func(*event.Event)) (opened bool, err error) {
	tail, err := cluster.NewTail(ctx, kafka.TailConfig{Topics: []string{topic}, From: from})
	if err != nil {
		return false, err
	}
	defer tail.Close()
	for {
		events, err := tail.Poll(ctx)
		for _, e := range events { // an error of one partition spares the others'
			take(e)
		}
		if err != nil {
			return true, err
		}
	}
}

// remembering tells a gateway of the ids that other gateways accept.
type remembering struct {
	since   time.Time // before the gateway read what was there
	log     *slog.Logger
	cluster *kafka.Cluster
	topic   string
	server  *gateway.Server
}

// Run follows the topic of events until ctx ends. It begins before the end of
// what the gateway has read itself: an id in between would be forgotten.
func (r *remembering) Run(ctx context.Context) error {
	follow(ctx, r.log, r.cluster, r.topic, kafka.TailAt(r.since), func(e *event.Event) {
		if id := e.OwnID(); id != "" {
			r.server.Remember(id, e.Value, e.Source)
		}
	})
	return nil
}
