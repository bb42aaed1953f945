package app

import (
	"context"
	"fmt"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// samplePatience is how long records may take to come.
const samplePatience = 10 * time.Second

// Sample reads about n of the newest records of a topic, without a group.
func Sample(ctx context.Context, cluster *kafka.Cluster, topic string, n int) ([]*event.Event, int, error) {
	ctx, cancel := context.WithTimeout(ctx, samplePatience)
	defer cancel()
	starts, ends, err := cluster.Offsets(ctx, topic)
	if err != nil {
		return nil, 0, err
	}
	next := map[kafka.Partition]int64{}
	total := int64(0)
	each := int64(max(n/max(len(ends), 1), 1))
	for p, end := range ends {
		from := max(starts[p], end-each)
		next[kafka.Partition{Topic: topic, Number: p}] = from
		total += end - from
	}
	if total == 0 {
		return nil, len(ends), nil
	}
	tail, err := cluster.NewTail(ctx, kafka.TailConfig{Topics: []string{topic}, From: kafka.TailOffsets(next)})
	if err != nil {
		return nil, len(ends), err
	}
	defer tail.Close()
	var out []*event.Event
	for !tail.CaughtUp() {
		events, err := tail.Poll(ctx)
		if err != nil {
			return out, len(ends), fmt.Errorf("read topic %s: %w", topic, err)
		}
		out = append(out, events...)
	}
	return out, len(ends), nil
}
