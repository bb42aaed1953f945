package main

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// What is promised of memory, and the backlog that tries it.
const (
	memorySetting = "256MiB"
	memoryBytes   = 256 << 20
	memoryEvents  = 10_000 // of about 1 MB: 10 GB
	memoryEvent   = 1_000_000 - 30_000
	memoryAtOnce  = 32 // events that the filling holds
)

// memory attaches a stream to far more bytes than it may hold.
func memory(ctx context.Context, o options, r *report) error {
	if o.seeds == "" && o.on == onBoth {
		o.on = onReal // embedded brokers keep 1 GiB of a topic
	}
	return o.everywhere(ctx, needs{brokers: 1}, func(ctx context.Context, at *place) error { return o.memoryOn(ctx, at, r) })
}

func (o options) memoryOn(ctx context.Context, at *place, r *report) error {
	model, err := newWitness(50*time.Millisecond, 150*time.Millisecond) // slower than the brokers
	if err != nil {
		return err
	}
	defer model.close()
	model.blind = true
	cluster, err := at.open()
	if err != nil {
		return err
	}
	defer cluster.Close()
	events := or(o.count, memoryEvents)
	began := time.Now()
	if err := fillLarge(ctx, cluster, events); err != nil {
		return err
	}
	o.progress("%d events of %d bytes written in %s", events, memoryEvent, seconds(time.Since(began)))
	s, err := o.station(at, "stream", "memory", model.url("stream"))
	if err != nil {
		return err
	}
	s.Memory, s.Copies = memorySetting, 1
	p, err := o.working(ctx, s)
	if err != nil {
		return err
	}
	defer p.clear()
	slow := drained(ctx, cluster, s.Name)
	took := time.Since(p.started)
	peak := p.peak()
	predicted, err := written(ctx, cluster, topicPredictions)
	if err != nil {
		return err
	}
	stopped := p.stop()
	r.add(row{
		{"brokers", at.what}, {"events", events}, {"backlog", mebibytes(int64(events) * memoryEvent)}, {"predicted", predicted}, {"duration", seconds(took)},
		{"bytes/s", mebibytes(int64(float64(events)*memoryEvent/took.Seconds())) + "/s"}, {"memory", memorySetting}, {"peak RSS", mebibytes(peak)},
		{"of memory", fmt.Sprintf("%.0f %%", 100*float64(peak)/memoryBytes)},
	})
	r.require(slow == nil, "%s: %v", at.what, slow)
	r.require(stopped == nil, "%s: %v", at.what, stopped)
	r.require(predicted == int64(events), "%s: %d predictions of %d events", at.what, predicted, events)
	r.require(peak <= memoryBytes+memoryBytes/10, "%s: %s at the peak, promised memory of %s and 10 %%", at.what, mebibytes(peak), memorySetting)
	return nil
}

// fillLarge writes events of about 1 MB, as many keys as there are events.
func fillLarge(ctx context.Context, cluster *kafka.Cluster, events int) error {
	spec := kafka.TopicSpec{Name: topicEvents, Partitions: partitions, ReplicationFactor: 1}
	if err := cluster.EnsureTopics(ctx, []kafka.TopicSpec{spec}, true); err != nil {
		return err
	}
	producer, err := cluster.NewPatientProducer("fill")
	if err != nil {
		return err
	}
	defer producer.Close()
	pad := bytes.Repeat([]byte("x"), memoryEvent)
	var failed atomic.Pointer[error]
	for n := range events {
		head := fmt.Appendf(nil, `{"id":"large-%d","card_token":"card-%d","pad":"`, n, n)
		value := append(head, pad[:memoryEvent-len(head)-2]...)
		producer.Write(&kafka.Record{
			Topic: topicEvents, Partition: int32(n % partitions), Key: fmt.Appendf(nil, "card-%d", n), Value: append(value, `"}`...),
		}, func(_ event.Source, err error) {
			if err != nil {
				failed.CompareAndSwap(nil, &err)
			}
		})
		if n%memoryAtOnce == memoryAtOnce-1 || n == events-1 {
			if err := producer.Flush(ctx); err != nil {
				return err
			}
		}
	}
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// written is how many records a topic has had.
func written(ctx context.Context, cluster *kafka.Cluster, topic string) (int64, error) {
	starts, ends, err := cluster.Offsets(ctx, topic)
	var sum int64
	for number, end := range ends {
		sum += end - starts[number]
	}
	return sum, err
}
