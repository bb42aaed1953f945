package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// ending is one record of a terminal topic.
type ending struct {
	topic string
	at    time.Time // the record's own time
}

// books are what the topics hold, read from their beginnings.
type books struct {
	ids     map[string]string   // source of every event record → its id
	endings map[string][]ending // source → its endings, in the order of their time
	keys    map[string]string   // source → key
	order   []string            // sources of first predictions, in the order of the log
	strange int                 // endings of sources that are not in the topic of events
}

// readBooks reads the topic of events and every terminal topic.
func readBooks(ctx context.Context, cluster *kafka.Cluster) (*books, error) {
	b := &books{ids: map[string]string{}, endings: map[string][]ending{}, keys: map[string]string{}}
	err := readAll(ctx, cluster, []string{topicEvents}, func(e *event.Event) {
		source := e.Source.String()
		b.ids[source] = string(e.Header(event.HeaderID))
		b.keys[source] = string(e.Key)
	})
	if err != nil {
		return nil, err
	}
	err = readAll(ctx, cluster, terminals(), b.enter)
	for _, copies := range b.endings {
		slices.SortStableFunc(copies, func(x, y ending) int { return x.at.Compare(y.at) })
	}
	return b, err
}

// enter notes the record of an ending.
func (b *books) enter(e *event.Event) {
	source := string(e.Header(event.HeaderSource))
	if _, known := b.ids[source]; !known {
		b.strange++
		return
	}
	if len(b.endings[source]) == 0 && e.Source.Topic == topicPredictions {
		b.order = append(b.order, source)
	}
	b.endings[source] = append(b.endings[source], ending{e.Source.Topic, e.Recorded})
}

// only keeps the events whose id begins with run: those before are of another
// run on the same brokers.
func (b *books) only(run string) {
	for source, id := range b.ids {
		if !strings.HasPrefix(id, run) {
			delete(b.ids, source)
			delete(b.endings, source)
		}
	}
	b.order = slices.DeleteFunc(b.order, func(source string) bool { return b.ids[source] == "" })
}

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
