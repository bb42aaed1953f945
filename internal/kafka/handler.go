package kafka

import (
	"context"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"betimes/internal/event"
)

// Events returns the Handler that writes Events to a topic: key, value, the
// headers betimes reads again, and those of others. It marks StageProduce as it
// hands an Event over, and Settled is told where it is. It refuses with ErrFull.
func (p *Producer) Events(topic string) event.Handler { return &eventWriter{p, topic} }

type eventWriter struct {
	producer *Producer
	topic    string
}

// Handle takes e, whose key and value must not change until it is settled.
func (w *eventWriter) Handle(_ context.Context, e *event.Event) error {
	if w.producer.full() {
		return ErrFull
	}
	e.Timeline.Mark(event.StageProduce, time.Now())
	out := &kgo.Record{Topic: w.topic, Partition: ByKey, Key: e.Key, Value: e.Value, Headers: eventHeaders(e)}
	w.producer.send(out, func(src event.Source, err error) {
		if e.Settled != nil {
			e.Settled(src, err)
		}
	})
	return nil
}

func (p *Producer) full() bool {
	return p.client.BufferedProduceRecords() >= maxBufferedRecords || p.client.BufferedProduceBytes() >= maxBufferedBytes
}

// eventHeaders are ours first, then those that pass through.
func eventHeaders(e *event.Event) []kgo.RecordHeader {
	list := make([]kgo.RecordHeader, 0, len(e.Headers)+5)
	buf := make([]byte, 0, 160) // id is a string of its own; deadline, priority and timeline share this
	add := func(name string, from int) {
		list = append(list, kgo.RecordHeader{Key: name, Value: buf[from:len(buf):len(buf)]})
	}
	if e.ID != "" {
		list = append(list, kgo.RecordHeader{Key: event.HeaderID, Value: []byte(e.ID)})
	}
	if !e.Deadline.IsZero() {
		from := len(buf)
		buf = strconv.AppendInt(buf, e.Deadline.UnixMicro(), 10)
		add(event.HeaderDeadline, from)
	}
	if e.Timeline.Started() {
		from := len(buf)
		buf = e.Timeline.AppendHeader(buf)
		add(event.HeaderTimeline, from)
	}
	if e.Priority != defaultPriority {
		from := len(buf)
		buf = strconv.AppendInt(buf, int64(e.Priority), 10)
		add(event.HeaderPriority, from)
	}
	if e.ContentType != "" {
		list = append(list, kgo.RecordHeader{Key: event.HeaderContentType, Value: []byte(e.ContentType)})
	}
	for _, h := range e.Headers {
		if !ours(h.Name) {
			list = append(list, kgo.RecordHeader{Key: h.Name, Value: h.Value})
		}
	}
	return list
}

// defaultPriority is not written: it is what a missing header means.
const defaultPriority = 5

// ours says that eventHeaders writes this header from the Event's fields.
func ours(name string) bool {
	switch name {
	case event.HeaderID, event.HeaderDeadline, event.HeaderTimeline, event.HeaderPriority, event.HeaderContentType:
		return true
	}
	return false
}
