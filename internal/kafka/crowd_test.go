package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// narrow makes a topic that takes batches of 200,000 bytes.
func narrow(t *testing.T, c *kafka.Cluster) string {
	t.Helper()
	name := unused("narrow")
	spec := kafka.TopicSpec{Name: name, Partitions: 1, ReplicationFactor: 1, Configs: map[string]string{"max.message.bytes": "200000"}}
	if err := c.EnsureTopics(limit(t), []kafka.TopicSpec{spec}, true); err != nil {
		t.Fatal(err)
	}
	return name
}

// tighten has a topic that is there take batches of so many bytes, and waits until it does.
func tighten(t *testing.T, seeds []string, topic string, most int) {
	t.Helper()
	altered(t, seeds, topic, most)
	settled(t, seeds, topic, most)
}

// altered changes what a topic takes; brokers do as it says a moment later.
func altered(t *testing.T, seeds []string, topic string, most int) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(seeds...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	value := fmt.Sprint(most)
	done, err := kadm.NewClient(client).AlterTopicConfigs(limit(t), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "max.message.bytes", Value: &value}}, topic)
	if err != nil || done[0].Err != nil {
		t.Fatal(err, done)
	}
}

// probe is the beginning of records that are no part of a test's own.
const probe = "zz"

// settled waits until the brokers do as the topic's config says, which each hears of
// in its own time: until they refuse what is larger, or take what is nearly as large.
func settled(t *testing.T, seeds []string, topic string, most int) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(seeds...), kgo.ProducerBatchMaxBytes(2_000_000), kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.DefaultProduceTopic(topic))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for size, refused := range map[int]bool{most + 1000: true, most - 1000: false} {
		for ctx := limit(t); ; {
			err := client.ProduceSync(ctx, &kgo.Record{Value: append([]byte(probe), make([]byte, size)...)}).FirstErr()
			if errors.Is(err, kerr.MessageTooLarge) == refused && (err == nil || refused) {
				break
			}
			if ctx.Err() != nil {
				t.Fatalf("%d bytes, of at most %d: %v", size, most, err)
			}
		}
	}
}

// burst is 60 records of 60,000 bytes, which begin with their number, with one of
// 300,000 among them.
func burst(topic string) (all []*kafka.Record, fit []string) {
	for i := range 60 {
		name := fmt.Sprintf("%02d", i)
		size := 60_000
		if i == 30 {
			size = 300_000
		} else {
			fit = append(fit, name)
		}
		value := make([]byte, size)
		copy(value, name)
		all = append(all, &kafka.Record{Topic: topic, Key: []byte("k"), Value: value})
	}
	return all, fit
}

// outcomes hands records over at once, and tells what became of each once that
// is known of all.
func outcomes(t *testing.T, p writer, records []*kafka.Record) []error {
	t.Helper()
	var mu sync.Mutex
	all := make([]error, len(records))
	for i, r := range records {
		p.Write(r, func(_ event.Source, err error) {
			mu.Lock()
			defer mu.Unlock()
			all[i] = err
		})
	}
	if err := p.Flush(limit(t)); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	return slices.Clone(all)
}

type writer interface {
	Write(r *kafka.Record, done func(event.Source, error))
	Flush(ctx context.Context) error
}

// blamed checks that the record too large is refused for that, and no other.
func blamed(t *testing.T, records []*kafka.Record, errs []error) {
	t.Helper()
	for i, err := range errs {
		if large := len(records[i].Value) > 200_000; large != (err != nil) || large != errors.Is(err, kafka.ErrTooLarge) {
			t.Errorf("record %d of %d bytes: %v", i, len(records[i].Value), err)
		}
	}
}

// names are the beginnings of what is in a topic.
func names(t *testing.T, c *kafka.Cluster, topic string) []string {
	t.Helper()
	var all []string
	for _, value := range committed(t, c, topic) {
		if name := value[:2]; name != probe {
			all = append(all, name)
		}
	}
	return all
}

func TestATopicThatTakesSmallBatchesRefusesOnlyTheRecordThatIsTooLarge(t *testing.T) {
	seeds := brokers(t, 1)
	c := open(t, config(seeds))
	for name, make := range map[string]func(string) (*kafka.Producer, error){"patient": c.NewPatientProducer, "not patient": c.NewProducer} {
		t.Run(name, func(t *testing.T) {
			p, err := make("test")
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			things := narrow(t, c)
			records, fit := burst(things)
			blamed(t, records, outcomes(t, p, records))
			if got := names(t, c, things); !slices.Equal(got, fit) {
				t.Errorf("written in the order %v", got)
			}
		})
	}
}

func TestATopicThatTakesSmallerBatchesThanBeforeRefusesOnlyTheRecordThatIsTooLarge(t *testing.T) {
	seeds := brokers(t, 1)
	c := open(t, config(seeds))
	for name, make := range map[string]func(string) (*kafka.Producer, error){"patient": c.NewPatientProducer, "not patient": c.NewProducer} {
		t.Run(name, func(t *testing.T) {
			p, err := make("test")
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			things := topic(t, c, 1)
			write(t, p, &kafka.Record{Topic: things, Value: []byte("at first")})
			tighten(t, seeds, things, 200_000)
			records, fit := burst(things)
			blamed(t, records, outcomes(t, p, records))
			if got := names(t, c, things); !slices.Equal(got[1:], fit) {
				t.Errorf("written in the order %v", got)
			}
			tighten(t, seeds, things, 1_000_000)
			write(t, p, records[30])
		})
	}
}

func TestWhatIsWrittenWhileATopicBeginsToTakeSmallerBatchesIsThereOnce(t *testing.T) {
	seeds := brokers(t, 1)
	c := open(t, config(seeds))
	things := topic(t, c, 1)
	p, err := c.NewPatientProducer("test")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	const n = 2000
	room := make(chan struct{}, 200)
	var want []string
	for i := range n {
		if i == n/2 {
			altered(t, seeds, things, 20_000)
		}
		room <- struct{}{}
		value := fmt.Appendf(make([]byte, 0, 6000), "%04d", i)[:6000]
		want = append(want, string(value[:4]))
		p.Write(&kafka.Record{Topic: things, Value: value}, func(_ event.Source, err error) {
			<-room
			if err != nil {
				t.Errorf("record %d: %v", i, err)
			}
		})
	}
	if err := p.Flush(limit(t)); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, value := range committed(t, c, things) {
		got = append(got, value[:4])
	}
	slices.Sort(got) // what is handed over before the library tells of a refusal may pass what was refused
	if !slices.Equal(got, want) {
		t.Errorf("written: %v", got)
	}
}

func TestOfATransactionATopicThatTakesSmallBatchesRefusesOnlyTheRecordThatIsTooLarge(t *testing.T) {
	seeds := brokers(t, 1)
	c := open(t, config(seeds))
	from := topic(t, c, 1)
	m := seated(t, c, from)
	for name, later := range map[string]bool{"at the start": false, "later": true} {
		t.Run(name, func(t *testing.T) {
			x := transactions(t, c, unused("id"))
			to := topic(t, c, 1)
			tighten(t, seeds, to, 200_000)
			var before []string
			if later {
				tighten(t, seeds, to, 1_000_000)
				before = []string{"at"}
				if err := errors.Join(in(t, x, to, "at first"), x.Commit(limit(t), m.Seat(), nil, nil)); err != nil {
					t.Fatal(err)
				}
				tighten(t, seeds, to, 200_000)
			}
			records, fit := burst(to)
			for !ended(t, x, m, records) {
			}
			want, got := slices.Concat(before, fit), names(t, c, to)
			for late := limit(t); len(got) < len(want) && late.Err() == nil; { // brokers mark a commit after they have answered it
				got = names(t, c, to)
			}
			if !slices.Equal(got, want) {
				t.Errorf("written in the order %v", got)
			}
		})
	}
}

// ended writes a transaction, and aborts it when more is wrong than that one is
// too large.
func ended(t *testing.T, x *kafka.Transactions, m *kafka.Member, records []*kafka.Record) bool {
	t.Helper()
	if err := x.Begin(limit(t)); err != nil {
		t.Fatal(err)
	}
	errs := outcomes(t, x, records)
	for _, err := range errs {
		if err != nil && !errors.Is(err, kafka.ErrTooLarge) {
			if err := x.Abort(limit(t)); err != nil {
				t.Fatal(err)
			}
			return false
		}
	}
	blamed(t, records, errs)
	if err := x.Commit(limit(t), m.Seat(), nil, nil); err != nil {
		t.Fatal(err)
	}
	return true
}
