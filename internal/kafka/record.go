package kafka

import (
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"betimes/internal/event"
)

// Partition is one partition of one topic.
type Partition struct {
	Topic  string
	Number int32
}

// String gives topic:number.
func (p Partition) String() string { return p.Topic + ":" + strconv.Itoa(int(p.Number)) }

// ByKey as a Record's Partition lets the hash of the key choose (murmur2, as
// Java's clients do); a record without key goes wherever a batch is open.
const ByKey int32 = -1

// Record is what is written. It must not be changed until its done was called.
type Record struct {
	Topic      string
	Partition  int32 // below zero: ByKey
	Key, Value []byte
	Headers    []event.Header
	Time       time.Time // zero: now
}

// newEvent makes an Event of a fetched record. Nothing but its place in Kafka
// and the content type is read; key and value stay the library's bytes.
func newEvent(r *kgo.Record, fetched time.Time) *event.Event {
	e := &event.Event{
		Key: r.Key, Value: r.Value,
		Source:   event.Source{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset},
		Recorded: r.Timestamp, Appended: r.Attrs.TimestampType() == 1, Fetched: fetched,
	}
	if len(r.Headers) == 0 {
		return e
	}
	e.Headers = make([]event.Header, len(r.Headers))
	for i := range r.Headers {
		e.Headers[i] = event.Header{Name: r.Headers[i].Key, Value: r.Headers[i].Value}
		if r.Headers[i].Key == event.HeaderContentType {
			e.ContentType = contentType(r.Headers[i].Value)
		}
	}
	return e
}

// contentType spares the usual types an allocation.
func contentType(value []byte) string {
	switch string(value) {
	case "application/json":
		return "application/json"
	case "text/csv":
		return "text/csv"
	}
	return string(value)
}
