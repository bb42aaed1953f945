package kafka_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"betimes/internal/kafka"
)

// TestALogShowsWhatTransactionsLeave writes a committed, an aborted and an open
// transaction and reads them with both kinds of Tail.
func TestALogShowsWhatTransactionsLeave(t *testing.T) {
	seeds := brokers(t, 1)
	c := open(t, config(seeds))
	things := topic(t, c, 1)
	writer, err := kgo.NewClient(kgo.SeedBrokers(seeds...), kgo.TransactionalID(things), kgo.DefaultProduceTopic(things), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	for _, value := range []string{"kept", "undone", "open"} {
		if err := writer.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := writer.ProduceSync(limit(t), kgo.StringRecord(value)).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if value != "open" {
			if err := writer.EndTransaction(limit(t), kgo.TransactionEndTry(value == "kept")); err != nil {
				t.Fatal(err)
			}
		}
	}
	for uncommitted, want := range map[bool]string{
		true:  "0 kept tx, 1 committed, 2 undone tx, 3 aborted, 4 open tx",
		false: "0 kept tx, 1 committed, 3 aborted", // what was undone is left out, its marker is not
	} {
		tail, err := c.NewTail(limit(t), kafka.TailConfig{Topics: []string{things}, Uncommitted: uncommitted})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for !tail.CaughtUp() {
			entries, err := tail.PollLog(limit(t))
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				got = append(got, shown(e))
				if e.Producer < 0 || e.Stable != 4 {
					t.Errorf("offset %d has producer %d, and what is committed ends at %d", e.Event.Source.Offset, e.Producer, e.Stable)
				}
			}
		}
		tail.Close()
		if all := strings.Join(got, ", "); all != want {
			t.Errorf("uncommitted %v: read %s, want %s", uncommitted, all, want)
		}
	}
}

func shown(e kafka.Entry) string {
	text := fmt.Sprint(e.Event.Source.Offset, " ", string(e.Event.Value))
	switch i := slices.Index([]kafka.Marker{kafka.Committed, kafka.Aborted}, e.Marker); {
	case i >= 0:
		return fmt.Sprint(e.Event.Source.Offset, []string{" committed", " aborted"}[i])
	case e.Transactional:
		text += " tx"
	}
	return text
}
