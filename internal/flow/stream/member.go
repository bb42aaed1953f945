package stream

import (
	"context"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// Member is one member of a consumer group; *kafka.Member is one.
type Member interface {
	// Poll waits for one fetch and gives its events to take, in order per
	// partition; no rebalance goes on while take runs.
	Poll(ctx context.Context, take func([]*event.Event)) error
	// CommitNoted stores the next offset to read of each partition, with a note.
	CommitNoted(ctx context.Context, next map[kafka.Partition]int64, notes map[kafka.Partition]string) error
	// Note is what the newest commit of an assigned partition was noted with.
	Note(p kafka.Partition) string
	// Commits is what the group has committed now, no transaction being about to
	// change it.
	Commits(ctx context.Context, parts []kafka.Partition) (map[kafka.Partition]kafka.Commit, error)
	// Seat is the member's place in the group now.
	Seat() kafka.Seat
	// Pause stops fetching partitions, Resume goes on.
	Pause(parts ...kafka.Partition)
	Resume(parts ...kafka.Partition)
	// HighWatermark is the end of the partition as of the newest fetch.
	HighWatermark(p kafka.Partition) (int64, bool)
	// Halt stops fetching a partition until it is assigned anew.
	Halt(p kafka.Partition)
	// Leave leaves the group and closes.
	Leave(ctx context.Context) error
}

// Hooks are told of partitions that come and go.
type Hooks struct {
	Assigned func(next map[kafka.Partition]int64)
	Revoked  func(ctx context.Context, parts []kafka.Partition)
	Problem  func(error)
}

// Sink writes records; *kafka.Producer is one. Order within a partition is kept.
type Sink interface {
	// Write hands a record over; done is called once, with the place it was
	// written to when every in-sync replica has it.
	Write(r *kafka.Record, done func(event.Source, error))
	// Flush waits until all handed over records are done.
	Flush(ctx context.Context) error
}

// Transactions is a sink whose records are seen all or none, and with them the
// group's offsets; *kafka.Transactions is one. One goroutine uses it.
type Transactions interface {
	Sink
	// Fence ends what a process before has left open under the same name, which
	// cannot write from then on.
	Fence(ctx context.Context) error
	// Begin opens a transaction.
	Begin(ctx context.Context) error
	// Commit ends it: what was written and the offsets hold together. Its error
	// may be kafka.ErrSeat, ErrUnsure, ErrFenced or ErrRefused.
	Commit(ctx context.Context, seat kafka.Seat, next map[kafka.Partition]int64, notes map[kafka.Partition]string) error
	// Abort ends it with nothing of it seen, and settles one that is unsure.
	Abort(ctx context.Context) error
}
