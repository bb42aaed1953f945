package kafka_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
	"betimes/internal/lab/broker"
)

// BenchmarkThroughTheDoor writes events and reads them back in a group: one
// event of 1 KB per round, as the gateway writes and the stream reads.
func BenchmarkThroughTheDoor(b *testing.B) {
	brokers, err := broker.New(broker.Config{Brokers: 3, Listen: "127.0.0.1:0"}, broker.Deps{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer brokers.Close()
	c, err := kafka.Open(config(brokers.Addrs()), kafka.Deps{Pipeline: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	ctx := context.Background()
	if err := c.EnsureTopics(ctx, []kafka.TopicSpec{{Name: "events", Partitions: 12, ReplicationFactor: 3}}, true); err != nil {
		b.Fatal(err)
	}
	p, err := c.NewProducer("bench")
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	m, err := c.NewMember(kafka.MemberConfig{Group: "bench", Topics: []string{"events"}})
	if err != nil {
		b.Fatal(err)
	}
	defer m.Stop()
	handler, value := p.Events("events"), make([]byte, 1000)
	slots := make(chan struct{}, 5000)
	b.ReportAllocs()
	b.SetBytes(int64(len(value)))
	b.ResetTimer()
	go func() {
		for i := range b.N {
			slots <- struct{}{}
			e := &event.Event{ID: fmt.Sprint(i), Key: fmt.Appendf(nil, "k%d", i%1000), Value: value, Priority: 5, ContentType: "application/json", Deadline: time.Now().Add(time.Second)}
			e.Timeline.Start(time.Now())
			e.Settled = func(event.Source, error) { <-slots }
			if err := handler.Handle(ctx, e); err != nil {
				b.Error(err)
			}
		}
	}()
	for got := 0; got < b.N; {
		if err := m.Poll(ctx, func(events []*event.Event) { got += len(events) }); err != nil {
			b.Fatal(err)
		}
	}
}
