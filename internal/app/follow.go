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
// not answer are waited for; then it goes on with what comes.
func follow(ctx context.Context, log *slog.Logger, cluster *kafka.Cluster, topic string, from kafka.TailFrom, take func(*event.Event)) {
	for {
		err := read(ctx, cluster, topic, from, take)
		if ctx.Err() != nil {
			return
		}
		log.Warn("topic cannot be followed, trying again", "topic", topic, "error", err)
		from = kafka.TailEnd()
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
	}
}

func read(ctx context.Context, cluster *kafka.Cluster, topic string, from kafka.TailFrom, take func(*event.Event)) error {
	tail, err := cluster.NewTail(ctx, kafka.TailConfig{Topics: []string{topic}, From: from})
	if err != nil {
		return err
	}
	defer tail.Close()
	for {
		events, err := tail.Poll(ctx)
		if err != nil {
			return err
		}
		for _, e := range events {
			take(e)
		}
	}
}

// remembering tells a gateway of the ids that other gateways accept.
type remembering struct {
	log     *slog.Logger
	cluster *kafka.Cluster
	topic   string
	server  *gateway.Server
}

// Run follows the topic of events until ctx ends.
func (r *remembering) Run(ctx context.Context) error {
	follow(ctx, r.log, r.cluster, r.topic, kafka.TailEnd(), func(e *event.Event) {
		if id := e.Header(event.HeaderID); len(id) > 0 {
			r.server.Remember(string(id), e.Value, e.Source)
		}
	})
	return nil
}
