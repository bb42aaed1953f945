package letters

import (
	"context"
	"fmt"
	"slices"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// Waiting reads the letters of some partitions that were not dropped, in the order
// of each partition, copies apart: what the stream has to know of parked events
// before it begins. Those that were replayed are among them: whether their events
// have ended since only the stream can tell. Other partitions need not be readable.
func (b *Box) Waiting(ctx context.Context, partitions []int32) ([]Letter, error) {
	var all []Letter
	err := b.each(ctx, b.deps.Topics.Letters, kafka.TailStart(), func(e *event.Event) error {
		all = append(all, parse(e))
		return nil
	}, partitions...)
	if err != nil {
		return nil, fmt.Errorf("read topic %s: %w", b.deps.Topics.Letters, err)
	}
	notes, err := b.notes(ctx) // afterwards, so that a letter's note is not older than the letter
	if err != nil {
		return nil, err
	}
	for i := range all {
		if h := notes[all[i].At]; h.concerns(&all[i]) {
			all[i].Handled = h
		}
	}
	return slices.DeleteFunc(all, func(l Letter) bool { return l.Handled != nil && l.Handled.Deed == Dropped }), nil
}

// Start gives the first offset of each partition of the topic.
func (b *Box) Start(ctx context.Context) (map[int32]int64, error) {
	start, _, err := b.deps.Reader.Offsets(ctx, b.deps.Topics.Letters)
	return start, err
}

// Follow tells of every letter that is dropped after since, and goes on until ctx
// ends or the brokers cannot be read.
func (b *Box) Follow(ctx context.Context, since time.Time, dropped func(at event.Source)) error {
	tail, err := b.deps.Reader.Tail(ctx, b.deps.Topics.State, kafka.TailAt(since))
	if err != nil {
		return err
	}
	defer tail.Close()
	for {
		events, err := tail.Poll(ctx)
		if err != nil {
			return err
		}
		for _, e := range events {
			if at, h, ours := b.noted(e); ours && h != nil && h.Deed == Dropped && !e.Recorded.Before(since) {
				dropped(at)
			}
		}
	}
}
