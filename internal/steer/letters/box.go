package letters

import (
	"context"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// Tail reads the records of topics that there are.
type Tail interface {
	Poll(ctx context.Context) ([]*event.Event, error)
	CaughtUp() bool // the end as it was at the beginning is passed
	Close()
}

// Reader asks the brokers.
type Reader interface {
	// Tail reads a topic from a place on; of some partitions only, when they are given.
	Tail(ctx context.Context, topic string, from kafka.TailFrom, partitions ...int32) (Tail, error)
	ReadAt(ctx context.Context, at event.Source) (*event.Event, error)
	Offsets(ctx context.Context, topic string) (start, end map[int32]int64, err error)
}

// Sink writes records; kafka.Producer is one.
type Sink interface {
	Write(r *kafka.Record, done func(event.Source, error))
}

// Topics names the topics of one box.
type Topics struct {
	Letters string // dead-letters, quarantine, shed or parked
	Events  string // where events come in
	State   string // what was done about letters
}

// Deps are the collaborators of a Box.
type Deps struct {
	Reader Reader
	Sink   Sink // needed to replay and drop
	// Committed tells how far the stream has finished each partition of events; needed to resume.
	Committed func(ctx context.Context) (map[kafka.Partition]int64, error)
	Topics    Topics
}

// Box is one topic of letters.
type Box struct{ deps Deps }

// New makes a Box.
func New(deps Deps) *Box { return &Box{deps} }

// each gives f every record that a topic, or some partitions of it, has from a place on.
func (b *Box) each(ctx context.Context, topic string, from kafka.TailFrom, f func(*event.Event) error, partitions ...int32) error {
	tail, err := b.deps.Reader.Tail(ctx, topic, from, partitions...)
	if err != nil {
		return err
	}
	defer tail.Close()
	for !tail.CaughtUp() {
		events, err := poll(ctx, tail)
		if err != nil {
			return err
		}
		for _, e := range events {
			if err := f(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// poll waits for records that there are: when they do not come, the brokers are away.
func poll(ctx context.Context, tail Tail) ([]*event.Event, error) {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	events, err := tail.Poll(limited)
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		err = errSilent
	}
	return events, err
}
