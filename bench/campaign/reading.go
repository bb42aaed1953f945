package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// readAll tells visit of every record there is now, in order within each partition.
func readAll(ctx context.Context, cluster *kafka.Cluster, topics []string, visit func(*event.Event)) error {
	tail, err := cluster.NewTail(ctx, kafka.TailConfig{Topics: topics, From: kafka.TailStart()})
	if err != nil {
		return err
	}
	defer tail.Close()
	for !tail.CaughtUp() {
		events, err := tail.Poll(ctx)
		if err != nil {
			return fmt.Errorf("read %v: %w", topics, err)
		}
		for _, e := range events {
			visit(e)
		}
	}
	return nil
}

// pace of looking whether a group is done, and how long it may make no progress.
const (
	lookEvery = 100 * time.Millisecond
	noMore    = 60 * time.Second
)

// drained waits until a group has committed everything that is in the topic of
// events, or makes no progress any more.
func drained(ctx context.Context, cluster *kafka.Cluster, group string) error {
	var least int64 = -1
	since := time.Now()
	for {
		left, err := behind(ctx, cluster, group)
		switch {
		case err == nil && left == 0:
			return nil
		case err == nil && (least < 0 || left < least):
			least, since = left, time.Now()
		case time.Since(since) > noMore:
			return fmt.Errorf("group %s is %d records behind and made no progress for %s (%v)", group, left, noMore, err)
		}
		if err := pause(ctx, lookEvery); err != nil {
			return err
		}
	}
}

// behind is how many records a group has not committed.
func behind(ctx context.Context, cluster *kafka.Cluster, group string) (int64, error) {
	starts, ends, err := cluster.Offsets(ctx, topicEvents)
	if err != nil {
		return 0, err
	}
	committed, err := cluster.Committed(ctx, group)
	if err != nil {
		return 0, err
	}
	var left int64
	for number, end := range ends {
		left += end - max(committed[kafka.Partition{Topic: topicEvents, Number: number}], starts[number])
	}
	return left, nil
}

// idsOf are the ids in a topic, by the place of their record.
func idsOf(ctx context.Context, cluster *kafka.Cluster, topic string) (map[string]string, error) {
	in := map[string]string{}
	err := readAll(ctx, cluster, []string{topic}, func(e *event.Event) { in[e.Source.String()] = string(e.Header(event.HeaderID)) })
	return in, err
}

// endings are the times of all endings there are, in order.
func endings(ctx context.Context, cluster *kafka.Cluster) ([]time.Time, error) {
	var all []time.Time
	err := readAll(ctx, cluster, terminals(), func(e *event.Event) { all = append(all, e.Recorded) })
	slices.SortFunc(all, time.Time.Compare)
	return all, err
}

// position reads topic:partition:offset of a topic without colons in its name.
func position(source string) (partition, offset int64) {
	_, _ = fmt.Sscanf(source, topicEvents+":%d:%d", &partition, &offset)
	return partition, offset
}
