//go:build interop

package app

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
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
	home := recordsOf(ctx, t, client, "events")
	if len(home) != n-50 {
		t.Errorf("%d events came home, want %d", len(home), n-50)
	}
	for _, e := range home {
		atHome(t, e)
	}
}

// die writes dead letters as stream does, of events that no text can hold.
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
			Topic: "dead-letters", Partition: source.Partition, Key: []byte(letterKey), Value: letterValue(source),
			Headers: append(foreignHeaders(),
				event.Header{Name: event.HeaderID, Value: []byte(source.String())}, event.Header{Name: event.HeaderSource, Value: []byte(source.String())},
				event.Header{Name: event.HeaderReason, Value: []byte(event.ReasonModelInput)}, event.Header{Name: event.HeaderStage, Value: []byte("model")},
				event.Header{Name: event.HeaderAttempts, Value: []byte("3")}),
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

const letterKey = "k\xff\x00"

// letterValue is another one for each event.
func letterValue(source event.Source) []byte {
	return append([]byte("\x00\xff\xfe"), source.String()...)
}

// foreignHeaders are those of an event that somebody else gave it.
func foreignHeaders() []event.Header {
	return []event.Header{{Name: "twice", Value: []byte("a")}, {Name: "twice", Value: []byte("b")}, {Name: "empty", Value: []byte{}}, {Name: "odd", Value: []byte("\xff\x00;=")}}
}

// atHome checks that an event came home as it had been, with what became of it before.
func atHome(t *testing.T, e *event.Event) {
	t.Helper()
	source, ok := event.ParseSource(e.OwnID())
	if !ok || e.Source.Partition != source.Partition || string(e.Key) != letterKey || !bytes.Equal(e.Value, letterValue(source)) {
		t.Errorf("%s came home to %s as key %q, value %q", e.OwnID(), e.Source, e.Key, e.Value)
	}
	var foreign []event.Header
	for _, h := range e.Headers {
		if !strings.HasPrefix(h.Name, "betimes-") {
			foreign = append(foreign, h)
		}
	}
	if want := foreignHeaders(); !slices.EqualFunc(foreign, want, func(a, b event.Header) bool { return a.Name == b.Name && bytes.Equal(a.Value, b.Value) }) {
		t.Errorf("%s came home with the headers %q, want %q", e.OwnID(), foreign, want)
	}
	history := string(e.Header(event.HeaderReplays))
	for _, want := range []string{"letter=dead-letters:", "reason=model_input", "stage=model", "attempts=3"} {
		if !strings.Contains(history, want) {
			t.Errorf("the history of %s is %q, without %s", e.OwnID(), history, want)
		}
	}
}

// recordsOf gives all records of a topic.
func recordsOf(ctx context.Context, t *testing.T, client *Client, topic string) []*event.Event {
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
	var all []*event.Event
	for !tail.CaughtUp() {
		events, err := tail.Poll(ctx)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, events...)
	}
	return all
}
