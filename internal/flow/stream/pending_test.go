package stream

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
	"betimes/internal/setting"
)

func TestWhatTheNoteHasNoRoomForIsNotCommittedAndItsPartitionWaits(t *testing.T) {
	const events = 4000
	synctest.Test(t, func(t *testing.T) {
		b := &book{cluster: newCluster()}
		release := make(chan struct{})
		for i := range events {
			b.send(0, num(i), num(i))
		}
		p, stop := running(t, b.cluster, func(ctx context.Context, e *event.Event) event.Ending {
			if e.Source.Partition == 0 && e.Source.Offset%2 == 0 { // every second one takes long: no two finished ones are neighbours
				<-release
			}
			return predict(ctx, e)
		}, exactly(b), func(c *Config, _ *Deps) { c.MaxQueued, c.Concurrency = 2*events, 2*events })
		b.send(1, "k", "elsewhere")
		time.Sleep(2 * time.Second)
		b.mu.Lock()
		id := kafka.Partition{Topic: "events"}
		note, paused, written := b.notes[id], b.paused[0], len(b.records)
		b.mu.Unlock()
		noted := readNote(note, 0)
		if len(note) > maxNoteBytes || !paused || written != len(noted)+1 || written < 1000 || written > events/2 || b.committed(1) != 1 {
			t.Errorf("note of %d bytes with %d stretches, paused %v, %d written, %d committed elsewhere, %v", len(note), len(noted), paused, written, b.committed(1), b.closed())
		}
		close(release)
		time.Sleep(2 * time.Second)
		b.mu.Lock()
		paused, written = b.paused[0], len(b.records)
		b.mu.Unlock()
		if paused || written != events+1 || b.committed(0) != events {
			t.Errorf("afterwards: paused %v, %d written, committed %d", paused, written, b.committed(0))
		}
		ended(t, stop)
		if held := heldBy(p); held != "" {
			t.Error(held)
		}
	})
}

func TestAnAttemptThatMakesRoomInTheNoteDoesNotWaitForWhatHasNone(t *testing.T) {
	const events = 4000
	synctest.Test(t, func(t *testing.T) {
		b := &book{cluster: newCluster()}
		b.commit = func(int) (bool, error) {
			time.Sleep(time.Second)
			return true, nil
		}
		for i := range events {
			b.send(0, num(i), num(i))
		}
		large := make(chan struct{})
		_, stop := running(t, b.cluster, func(ctx context.Context, e *event.Event) event.Ending {
			switch {
			case e.Source.Partition == 1 || e.Source.Offset%2 == 1:
				return predict(ctx, e)
			case e.Source.Offset > 0: // with no neighbour until then
				<-large
				return event.Ending{Place: event.Predicted, Value: make([]byte, 4096)}
			case e.Attempts == 1: // the lowest: it fails once, and makes room after all others
				return event.Ending{Place: event.Unfinished, Counted: true, After: 10500 * time.Millisecond, Err: errModel}
			}
			return predict(ctx, e)
		}, exactly(b), func(c *Config, _ *Deps) {
			c.MaxQueued, c.Concurrency, c.MaxQueuedBytes = 2*events, 2*events, 4*setting.MiB
		})
		time.Sleep(10 * time.Second)
		b.send(1, "k", "elsewhere") // its commit begins at 10.05 s and ends at 11.05 s
		time.Sleep(200 * time.Millisecond)
		close(large)
		time.Sleep(10 * time.Second)
		if b.committed(0) != events || b.committed(1) != 1 {
			t.Errorf("committed %d of %d, and %d elsewhere", b.committed(0), events, b.committed(1))
		}
		ended(t, stop)
	})
}
