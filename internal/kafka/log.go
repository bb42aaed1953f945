package kafka

import (
	"encoding/binary"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"betimes/internal/event"
)

// Marker says how a transaction ended.
type Marker uint8

// The markers.
const (
	NoMarker Marker = iota // an Entry that holds an event
	Committed
	Aborted
)

// Entry is one record as it lies in the log: an event, or the marker that ends
// the transaction of a producer in this partition.
type Entry struct {
	Event         *event.Event // of a marker only its Source and Recorded are set
	Marker        Marker
	Transactional bool
	Producer      int64 // id that the broker gave the producer; -1: none
	Stable        int64 // end of what was committed when the record was fetched
}

func newEntry(r *kgo.Record, stable int64, fetched time.Time) Entry {
	e := Entry{Producer: r.ProducerID, Transactional: r.Attrs.IsTransactional(), Stable: stable}
	if !r.Attrs.IsControl() {
		e.Event = newEvent(r, fetched)
		return e
	}
	e.Event = &event.Event{
		Source:   event.Source{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset},
		Recorded: r.Timestamp, Fetched: fetched,
	}
	e.Marker = markerOf(r.Key)
	return e
}

// markerOf reads the key of a control record: its version, then its kind.
func markerOf(key []byte) Marker {
	const kindAt, commit = 2, 1
	if len(key) >= kindAt+2 && binary.BigEndian.Uint16(key[kindAt:]) == commit {
		return Committed
	}
	return Aborted
}
