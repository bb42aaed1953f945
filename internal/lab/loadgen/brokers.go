package loadgen

import (
	"context"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// Writer is what Brokers needs of kafka.Producer.
type Writer interface {
	Write(r *kafka.Record, done func(event.Source, error))
}

// Brokers sends straight to the topic of events, as a foreign producer would:
// key, value, id. An event's clock starts at the record's timestamp; because
// that has whole milliseconds, the timeline header gives the microseconds.
type Brokers struct {
	writer Writer
	topic  string
}

// NewBrokers makes a Sender that writes to a topic.
func NewBrokers(w Writer, topic string) *Brokers { return &Brokers{w, topic} }

// Send hands the event to the producer.
func (b *Brokers) Send(_ context.Context, e Outgoing, done func(Result)) {
	now := time.Now()
	var timeline event.Timeline
	timeline.Start(now)
	b.writer.Write(&kafka.Record{
		Topic: b.topic, Partition: kafka.ByKey, Key: e.Key, Value: e.Body, Time: now,
		Headers: []event.Header{
			{Name: event.HeaderID, Value: []byte(e.ID)},
			{Name: event.HeaderTimeline, Value: timeline.AppendHeader(nil)},
			{Name: event.HeaderContentType, Value: []byte(e.ContentType)},
		},
	}, func(src event.Source, err error) {
		if err != nil {
			done(Result{Outcome: Failed, Problem: "not written"})
			return
		}
		done(Result{Outcome: Accepted, Source: src})
	})
}
