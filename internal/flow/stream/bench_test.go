package stream

import (
	"context"
	"testing"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
	"betimes/internal/setting"
)

// BenchmarkOneEvent is what one event costs from its lane to its finished
// offset, with a model and a producer that cost nothing.
func BenchmarkOneEvent(b *testing.B) {
	for name, concurrency := range map[string]setting.Auto{"concurrency 64": 64, "concurrency auto": 0} {
		b.Run(name, func(b *testing.B) {
			config := DefaultConfig()
			config.Concurrency = concurrency
			p := New(config, Deps{Sink: instant{}, Work: predict})
			p.probation.passed = true
			p.member = &seat{cluster: newCluster()}
			id := kafka.Partition{Topic: "events"}
			p.parts[id] = newPartition(id, 0)
			const batch = 500
			b.ReportAllocs()
			for n := 0; n < b.N; n += batch {
				events := make([]*event.Event, batch)
				now := time.Now()
				for i := range events {
					events[i] = &event.Event{Key: []byte(num(i)), Recorded: now, Fetched: now, Source: event.Source{Topic: "events", Offset: int64(n + i)}}
				}
				p.take(events)
				p.mu.Lock()
				for p.queued > 0 {
					p.room.Wait()
				}
				p.mu.Unlock()
			}
		})
	}
}

// BenchmarkKeysAreCounted is what it costs an event to be counted by its key, when all
// keys are new.
func BenchmarkKeysAreCounted(b *testing.B) {
	p := New(DefaultConfig(), Deps{Sink: instant{}, Work: predict})
	e := &event.Event{Key: []byte("card-4711-of-somebody"), Fetched: time.Now()}
	b.ReportAllocs()
	for n := range b.N {
		p.hot.add(uint64(n), e)
	}
}

// instant is a sink that acknowledges at once.
type instant struct{}

func (instant) Write(_ *kafka.Record, done func(event.Source, error)) { done(event.Source{}, nil) }
func (instant) Flush(context.Context) error                           { return nil }
