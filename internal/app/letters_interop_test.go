//go:build interop

package app

import (
	"context"
	"log/slog"
	"testing"

	"betimes/internal/config"
	"betimes/internal/event"
	"betimes/internal/kafka"
	"betimes/internal/lab/realkafka"
	"betimes/internal/steer/letters"
)

// TestInteropLettersGoHomeOnApacheKafka replays, drops and lists on a real
// broker: what its transactions, compaction and offsets make of the notes.
func TestInteropLettersGoHomeOnApacheKafka(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	brokers := realkafka.Start(t, realkafka.Config{Brokers: 1})
	client := &Client{log: slog.New(slog.DiscardHandler), Config: config.Config{Name: "letters", Kafka: kafka.DefaultConfig()}}
	client.Config.Kafka.Seeds = brokers.Addrs()
	client.Config.Kafka.Topics.Events.ReplicationFactor = 1
	t.Cleanup(client.Close)
	cluster, err := client.Cluster("test")
	if err != nil {
		t.Fatal(err)
	}
	if err := cluster.EnsureTopics(ctx, kafka.TopicSpecs(client.Config.Kafka, "letters"), true); err != nil {
		t.Fatal(err)
	}
	box, err := client.Letters("dead-letters", true)
	if err != nil {
		t.Fatal(err)
	}
	const n = 300
	die(ctx, t, cluster, n)
	found, err := box.Find(ctx, letters.Filter{Oldest: true})
	if err != nil || len(found.Letters) != n {
		t.Fatalf("%d letters, %v", len(found.Letters), err)
	}
	if report, err := box.Drop(ctx, found.Letters[:50]); err != nil || report.Done != 50 {
		t.Fatalf("dropped %+v, %v", report, err)
	}
	if report, err := box.Replay(ctx, letters.Order{Letters: found.Letters[50:], Rate: 5000}); err != nil || report.Done != n-50 {
		t.Fatalf("replayed %+v, %v", report, err)
	}
	if found, err = box.Find(ctx, letters.Filter{}); err != nil || found.Open != 0 || found.Handled != n {
		t.Errorf("afterwards %d open, %d handled, %v", found.Open, found.Handled, err)
	}
	if home := count(ctx, t, client, "events"); home != n-50 {
		t.Errorf("%d events came home, want %d", home, n-50)
	}
}

// die writes dead letters as stream does.
func die(ctx context.Context, t *testing.T, cluster *kafka.Cluster, n int) {
	t.Helper()
	producer, err := cluster.NewProducer("test")
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	for i := range n {
		source := event.Source{Topic: "events", Partition: int32(i % 12), Offset: int64(i)}
		producer.Write(&kafka.Record{
			Topic: "dead-letters", Partition: source.Partition, Key: []byte("k"), Value: []byte("v"),
			Headers: []event.Header{
				{Name: event.HeaderID, Value: []byte(source.String())}, {Name: event.HeaderSource, Value: []byte(source.String())},
				{Name: event.HeaderReason, Value: []byte(event.ReasonModelInput)},
			},
		}, func(_ event.Source, err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
	if err := producer.Flush(ctx); err != nil {
		t.Fatal(err)
	}
}

// count reads all records of a topic that say their history.
func count(ctx context.Context, t *testing.T, client *Client, topic string) int {
	t.Helper()
	cluster, err := client.Cluster("count")
	if err != nil {
		t.Fatal(err)
	}
	tail, err := cluster.NewTail(ctx, kafka.TailConfig{Topics: []string{topic}})
	if err != nil {
		t.Fatal(err)
	}
	defer tail.Close()
	n := 0
	for !tail.CaughtUp() {
		events, err := tail.Poll(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.Header(event.HeaderReplays) != nil && e.Source.Partition == homeOf(e) {
				n++
			}
		}
	}
	return n
}

// homeOf is the partition that the event's id says it came from.
func homeOf(e *event.Event) int32 {
	source, _ := event.ParseSource(e.OwnID())
	return source.Partition
}
