package trail

import (
	"context"
	"errors"
	"time"

	"betimes/internal/event"
)

// Partition names one partition of a topic.
type Partition struct {
	Topic  string
	Number int32
}

// Positions are the next offsets to read.
type Positions map[Partition]int64

// Start says where a Tail begins in each partition: at its position, else at the
// first record not older than At, else at the oldest record there is.
type Start struct {
	Positions Positions
	At        time.Time
}

// Reader reads topics without a group.
type Reader interface {
	// Tail follows topics; its positions are fixed when it returns.
	Tail(ctx context.Context, topics []string, from Start) (Tail, error)
	// ReadAt reads one record; ErrGone says that the topic no longer has it.
	ReadAt(ctx context.Context, at event.Source) (*event.Event, error)
}

// Tail gives records in the order of their partition.
type Tail interface {
	// Poll waits for records. ErrGone says that a position is not there any more.
	Poll(ctx context.Context) ([]*event.Event, error)
	// CaughtUp says whether everything that was there when the Tail began has been given.
	CaughtUp() bool
	Close()
}

// ErrGone says that a record, or a position, is no longer in its topic.
var ErrGone = errors.New("the record is no longer in its topic")

// Topics names where events come in and where they end. An empty name: not used.
type Topics struct {
	Events, Predictions, DeadLetters, Quarantine, Shed, Parked string
}

// place says which ending a topic stands for; Unfinished for events itself.
func (t Topics) place(topic string) event.Place {
	switch topic {
	case t.Predictions:
		return event.Predicted
	case t.DeadLetters:
		return event.DeadLetter
	case t.Quarantine:
		return event.Quarantined
	case t.Shed:
		return event.Shed
	case t.Parked:
		return event.Parked
	}
	return event.Unfinished
}

// all lists the names in use, the one of events first.
func (t Topics) all() []string {
	return t.used(t.Events, t.Predictions, t.DeadLetters, t.Quarantine, t.Shed, t.Parked)
}

// ends lists the topics in which events end.
func (t Topics) ends() []string {
	return t.used(t.Predictions, t.DeadLetters, t.Quarantine, t.Shed, t.Parked)
}

func (Topics) used(names ...string) []string {
	var out []string
	for _, n := range names {
		if n != "" {
			out = append(out, n)
		}
	}
	return out
}
