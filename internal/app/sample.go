package app

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// samplePatience is how long records may take to come.
const samplePatience = 10 * time.Second

// Sample reads the newest n records of a topic, without a group: of each partition
// as many as of the others, where it has them.
func Sample(ctx context.Context, cluster *kafka.Cluster, topic string, n int) ([]*event.Event, int, error) {
	ctx, cancel := context.WithTimeout(ctx, samplePatience)
	defer cancel()
	starts, ends, err := cluster.Offsets(ctx, topic)
	if err != nil {
		return nil, 0, err
	}
	next := map[kafka.Partition]int64{}
	total := int64(0)
	for p, most := range shares(starts, ends, n) {
		next[kafka.Partition{Topic: topic, Number: p}] = ends[p] - most
		total += most
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
	slices.SortStableFunc(out, func(a, b *event.Event) int { return a.Recorded.Compare(b.Recorded) })
	return out[max(len(out)-n, 0):], len(ends), nil
}

// shares splits n over the partitions: those that hold less leave more to the
// others, and each that holds something has one at least.
func shares(starts, ends map[int32]int64, n int) map[int32]int64 {
	held := func(p int32) int64 { return max(ends[p]-starts[p], 0) }
	partitions := slices.SortedFunc(maps.Keys(ends), func(a, b int32) int { return cmp.Compare(held(a), held(b)) })
	left, all := int64(n), make(map[int32]int64, len(ends))
	for i, p := range partitions {
		all[p] = min(held(p), max(left/int64(len(partitions)-i), 1))
		left -= all[p]
	}
	return all
}
