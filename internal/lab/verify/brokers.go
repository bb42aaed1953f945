package verify

import (
	"context"

	"betimes/internal/kafka"
)

// Tail reads the records of topics.
type Tail interface {
	PollLog(ctx context.Context) ([]kafka.Entry, error)
	Close()
}

// Brokers are where the topics are.
type Brokers interface {
	Tail(ctx context.Context, topics []string, uncommitted bool) (Tail, error)
	Offsets(ctx context.Context, topic string) (start, end map[int32]int64, err error)
	Committed(ctx context.Context, group string) (map[kafka.Partition]int64, error)
}

// over reads through the kafka door.
type over struct{ cluster *kafka.Cluster }

// Over reads the topics of a cluster.
func Over(cluster *kafka.Cluster) Brokers { return over{cluster} }

// Tail reads topics from their beginnings.
func (o over) Tail(ctx context.Context, topics []string, uncommitted bool) (Tail, error) {
	return o.cluster.NewTail(ctx, kafka.TailConfig{Topics: topics, From: kafka.TailStart(), Uncommitted: uncommitted})
}

// Offsets gives the bounds of what is committed.
func (o over) Offsets(ctx context.Context, topic string) (start, end map[int32]int64, err error) {
	return o.cluster.Offsets(ctx, topic)
}

// Committed gives the offsets of a group.
func (o over) Committed(ctx context.Context, group string) (map[kafka.Partition]int64, error) {
	return o.cluster.Committed(ctx, group)
}
