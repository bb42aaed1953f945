package broker_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// aged is a record with the age of its time.
type aged struct {
	value string
	age   time.Duration
}

// writeAged writes records of 600 bytes and more, each in a batch of its own.
func writeAged(t *testing.T, c *kafka.Cluster, topic string, records ...aged) {
	t.Helper()
	p, err := c.NewProducer("aged")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, r := range records {
		p.Write(&kafka.Record{
			Topic: topic, Partition: 0, Key: []byte("k"), Value: []byte(r.value), Time: time.Now().Add(-r.age),
			Headers: []event.Header{{Name: "padding", Value: []byte(strings.Repeat("x", 600))}},
		}, func(_ event.Source, err error) {
			if err != nil {
				t.Error(err)
			}
		})
		if err := p.Flush(limit(t)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOldRecordsGoAsTheyDoInKafka(t *testing.T) {
	const old = 25 * time.Hour
	day := map[string]string{"retention.ms": "86400000", "segment.bytes": "1024"} // two records in a segment
	for name, tt := range map[string]struct {
		configs map[string]string
		written []aged
		kept    string
	}{
		"an old record takes nothing before it away":                                             {day, []aged{{"a", 0}, {"b", 0}, {"c", old}, {"d", 0}}, "a b c d"},
		"also when whole segments after new ones are":                                            {day, []aged{{"a", 0}, {"b", 0}, {"c", old}, {"d", old}, {"e", 0}}, "a b c d e"},
		"old segments at the front go":                                                           {day, []aged{{"a", old}, {"b", old}, {"c", old}, {"d", old}, {"e", 0}}, "e"},
		"a segment stays with its newest record":                                                 {day, []aged{{"a", old}, {"b", old}, {"c", old}, {"d", 0}, {"e", 0}}, "c d e"},
		"the last segment goes too":                                                              {day, []aged{{"a", old}, {"b", old}, {"c", old}}, ""},
		"what is kept for ever stays":                                                            {map[string]string{"retention.ms": "-1"}, []aged{{"a", 20000 * time.Hour}, {"b", 0}}, "a b"},
		"a week is kept where nothing else is said":                                              {nil, []aged{{"a", 6 * 24 * time.Hour}}, "a"},
		"more than the bytes that are kept goes":                                                 {map[string]string{"retention.bytes": "2000", "segment.bytes": "1024"}, []aged{{"a", 0}, {"b", 0}, {"c", 0}, {"d", 0}, {"e", 0}, {"f", 0}, {"g", 0}, {"h", 0}}, "e f g h"},
		"compaction leaves the newest batch alone, and of the rest the last record of every key": {map[string]string{"cleanup.policy": "compact"}, []aged{{"a", 20000 * time.Hour}, {"b", 0}, {"c", 0}}, "b c"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			b := startIn(t, dir)
			c := openDoor(t, b.Addrs())
			ensure(t, c, kafka.TopicSpec{Name: "things", Partitions: 1, ReplicationFactor: 1, Configs: tt.configs})
			writeAged(t, c, "things", tt.written...)
			b.ApplyRetention()
			b.ApplyRetention()
			if got := strings.Join(values(t, c, "things"), " "); got != tt.kept {
				t.Fatalf("the topic keeps %q, want %q", got, tt.kept)
			}
			writeAged(t, c, "things", aged{"z", 0})
			b.Close()
			startIn(t, dir)
			if got := strings.TrimSpace(tt.kept + " z"); strings.Join(values(t, c, "things"), " ") != got && tt.configs["cleanup.policy"] == "" {
				t.Errorf("after a restart the topic holds %q, want %q", values(t, c, "things"), got)
			}
		})
	}
}

func TestCompactionTakesNothingFromOtherTopics(t *testing.T) {
	b := startIn(t, t.TempDir())
	c := openDoor(t, b.Addrs())
	ensure(t, c, kafka.TopicSpec{Name: "state", Partitions: 1, ReplicationFactor: 1, Configs: map[string]string{"cleanup.policy": "compact"}})
	ensure(t, c, kafka.TopicSpec{Name: "things", Partitions: 1, ReplicationFactor: 1, Configs: map[string]string{"retention.ms": "86400000"}})
	writeAged(t, c, "state", aged{"1", 0}, aged{"2", 0})
	writeAged(t, c, "things", aged{"a", 0}, aged{"b", 25 * time.Hour}, aged{"c", 0})
	b.ApplyRetention()
	if got := values(t, c, "things"); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("the topic holds %q, want a b c", got)
	}
}

func TestRecordsAreWrittenWhileTopicsAreCompacted(t *testing.T) {
	b := startIn(t, t.TempDir())
	c := openDoor(t, b.Addrs())
	ensure(t, c, kafka.TopicSpec{Name: "state", Partitions: 1, ReplicationFactor: 1, Configs: map[string]string{"cleanup.policy": "compact"}})
	ensure(t, c, kafka.TopicSpec{Name: "things", Partitions: 1, ReplicationFactor: 1})
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				b.ApplyRetention()
			}
		}
	}()
	var want []string
	for n := range 50 {
		want = append(want, string(rune('A'+n)))
		writeAged(t, c, "things", aged{want[n], 0})
		writeAged(t, c, "state", aged{want[n], 0})
	}
	close(stop)
	<-stopped
	if got := values(t, c, "things"); !slices.Equal(got, want) {
		t.Errorf("the topic holds %q, want %q", got, want)
	}
}
