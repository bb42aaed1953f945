package app

import (
	"context"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
	"betimes/internal/privacy"
	"betimes/internal/steer/letters"
)

// letterFlush is how long the last notes may take when a command ends.
const letterFlush = 10 * time.Second

// LetterTopics are the topics of letters by the names that commands use.
func (c *Client) LetterTopics() map[string]string {
	t := c.Config.Kafka.Topics
	return map[string]string{"dead-letters": t.DeadLetters.Name, "quarantine": t.Quarantine.Name, "shed": t.Shed.Name, "parked": t.Parked.Name}
}

// Letters opens one topic of letters; with write its letters can be replayed and dropped.
func (c *Client) Letters(topic string, write bool) (*letters.Box, error) {
	cluster, err := c.Cluster("letters")
	if err != nil {
		return nil, err
	}
	deps := letters.Deps{Reader: letterReader{cluster: cluster}, Committed: c.finished(cluster), Topics: letters.Topics{
		Letters: topic, Events: c.Config.Kafka.Topics.Events.Name, State: kafka.StateTopic(c.Config.Name).Name,
	}}
	if write {
		producer, err := cluster.NewProducer("replay")
		if err != nil {
			return nil, err
		}
		deps.Sink = producer
		c.closers = append([]func(){func() {
			ctx, cancel := context.WithTimeout(context.Background(), letterFlush)
			defer cancel()
			_ = producer.Flush(ctx) // only notes that are taken back wait still
			producer.Close()
		}}, c.closers...)
	}
	return letters.New(deps), nil
}

// finished tells how far the stream has finished the events.
func (c *Client) finished(cluster *kafka.Cluster) func(context.Context) (map[kafka.Partition]int64, error) {
	return func(ctx context.Context) (map[kafka.Partition]int64, error) {
		return cluster.Committed(ctx, c.Config.Flow.Stream.Group)
	}
}

// Policy is what may be shown of events.
func (c *Client) Policy() privacy.Policy { return policy(c.Config) }

// letterReader reads topics through the kafka door.
type letterReader struct {
	cluster *kafka.Cluster
	whole   bool // what open transactions have written is waited for
}

// Tail reads one topic, or some partitions of it, from a place on.
func (r letterReader) Tail(ctx context.Context, topic string, from kafka.TailFrom, partitions ...int32) (letters.Tail, error) {
	return r.cluster.NewTail(ctx, kafka.TailConfig{Topics: []string{topic}, Partitions: partitions, From: from, Whole: r.whole})
}

// ReadAt reads one record.
func (r letterReader) ReadAt(ctx context.Context, at event.Source) (*event.Event, error) {
	return r.cluster.ReadAt(ctx, at)
}

// Offsets gives the bounds of each partition.
func (r letterReader) Offsets(ctx context.Context, topic string) (start, end map[int32]int64, err error) {
	return r.cluster.Offsets(ctx, topic)
}
