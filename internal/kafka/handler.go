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
	settled := e.Settled
	if settled == nil {
		settled = func(event.Source, error) {}
	}
	w.producer.send(out, settled)
	return nil
}

func (p *Producer) full() bool {
	return p.client.BufferedProduceRecords() >= maxBufferedRecords || p.client.BufferedProduceBytes() >= maxBufferedBytes || p.rows.full()
}

// Room for the values of our headers beside id and content type, and how many headers those are.
const (
	ownHeaderBytes = 160
	ownHeaders     = 5
)

// eventHeaders are ours first, then those that pass through. Two allocations:
// the list, and one buffer that all our values share.
func eventHeaders(e *event.Event) []kgo.RecordHeader {
	list := make([]kgo.RecordHeader, 0, len(e.Headers)+ownHeaders)
	buf := make([]byte, 0, len(e.ID)+len(e.ContentType)+ownHeaderBytes)
	add := func(name string, longer []byte) {
		list = append(list, kgo.RecordHeader{Key: name, Value: longer[len(buf):len(longer):len(longer)]})
		buf = longer
	}
	if e.ID != "" {
		add(event.HeaderID, append(buf, e.ID...))
	}
	if !e.Deadline.IsZero() {
		add(event.HeaderDeadline, strconv.AppendInt(buf, e.Deadline.UnixMicro(), 10))
	}
	if e.Timeline.Started() {
		add(event.HeaderTimeline, e.Timeline.AppendHeader(buf))
	}
	if e.Priority != defaultPriority {
		add(event.HeaderPriority, strconv.AppendInt(buf, int64(e.Priority), 10))
	}
	if e.ContentType != "" {
		add(event.HeaderContentType, append(buf, e.ContentType...))
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
