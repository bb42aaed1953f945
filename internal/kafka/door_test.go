package kafka_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
	"betimes/internal/lab/broker"
)

// real are the addresses of real brokers while the tests run on them.
var real []string

// brokers gives the addresses of n brokers: embedded ones on free ports in a
// folder of the test, or three real ones for a part of TestInteropTheDoor.
func brokers(t *testing.T, n int) []string {
	t.Helper()
	if strings.HasPrefix(t.Name(), onReal) {
		return real
	}
	return embedded(t, t.TempDir(), n).Addrs()
}

// embedded starts n embedded brokers on what is in a folder.
func embedded(t *testing.T, dir string, n int) *broker.Cluster {
	t.Helper()
	b, err := broker.New(broker.Config{Brokers: n, Listen: "127.0.0.1:0"}, broker.Deps{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// onReal begins the names of tests on real brokers.
const onReal = "TestInteropTheDoor"

func config(seeds []string) kafka.Config {
	cfg := kafka.DefaultConfig()
	cfg.Seeds = seeds
	return cfg
}

func open(t *testing.T, cfg kafka.Config) *kafka.Cluster {
	t.Helper()
	c, err := kafka.Open(cfg, kafka.Deps{Pipeline: "test", Instance: "door"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// patience is how long anything in these tests may take on a busy machine: less than
// a group waits for a member that is away, 45 s at least.
const patience = 40 * time.Second

func limit(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// topic makes a topic that no other test has and returns its name.
func topic(t *testing.T, c *kafka.Cluster, partitions int) string {
	t.Helper()
	name := unused("things")
	spec := kafka.TopicSpec{Name: name, Partitions: partitions, ReplicationFactor: 1}
	if err := c.EnsureTopics(limit(t), []kafka.TopicSpec{spec}, true); err != nil {
		t.Fatal(err)
	}
	return name
}

// unused makes a name of a topic or group that no other test has.
func unused(name string) string { return name + "-" + strings.ToLower(rand.Text()[:8]) }

func producer(t *testing.T, c *kafka.Cluster) *kafka.Producer {
	t.Helper()
	p, err := c.NewProducer("test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// write writes records and waits; it returns where they are.
func write(t *testing.T, p *kafka.Producer, records ...*kafka.Record) []event.Source {
	t.Helper()
	var mu sync.Mutex
	sources := make([]event.Source, len(records))
	for i, r := range records {
		p.Write(r, func(src event.Source, err error) {
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Errorf("record %d: %v", i, err)
			}
			sources[i] = src
		})
	}
	if err := p.Flush(limit(t)); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	return sources
}

func numbered(topic string, n int) []*kafka.Record {
	var list []*kafka.Record
	for i := range n {
		list = append(list, &kafka.Record{Topic: topic, Partition: kafka.ByKey, Key: fmt.Appendf(nil, "k%d", i%7), Value: fmt.Appendf(nil, "%d", i)})
	}
	return list
}

// read polls a tail until it has n events.
func read(t *testing.T, tail *kafka.Tail, n int) []*event.Event {
	t.Helper()
	ctx := limit(t)
	var all []*event.Event
	for len(all) < n {
		events, err := tail.Poll(ctx)
		if err != nil {
			t.Fatalf("after %d of %d events: %v", len(all), n, err)
		}
		all = append(all, events...)
	}
	return all
}

func tail(t *testing.T, c *kafka.Cluster, from kafka.TailFrom, topics ...string) *kafka.Tail {
	t.Helper()
	tl, err := c.NewTail(limit(t), kafka.TailConfig{Topics: topics, From: from})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tl.Close)
	return tl
}

func TestRecordsComeBackAsWritten(t *testing.T) {
	c := open(t, config(brokers(t, 3)))
	things := topic(t, c, 4)
	at := time.UnixMilli(1_700_000_000_123)
	src := write(t, producer(t, c), &kafka.Record{
		Topic: things, Partition: 2, Key: []byte("key"), Value: []byte("value"), Time: at,
		Headers: []event.Header{{Name: "content-type", Value: []byte("text/csv")}, {Name: "other", Value: []byte("x")}},
	})[0]
	if src.Partition != 2 || src.Offset != 0 || src.Topic != things {
		t.Errorf("it was written to %s, want %s:2:0", src, things)
	}
	e := read(t, tail(t, c, kafka.TailStart(), things), 1)[0]
	if string(e.Key) != "key" || string(e.Value) != "value" || e.Source != src || !e.Recorded.Equal(at) || e.Appended {
		t.Errorf("read %+v", e)
	}
	if e.ContentType != "text/csv" || string(e.Header("other")) != "x" || e.Fetched.IsZero() {
		t.Errorf("read headers %q, content type %q, fetched %s", e.Headers, e.ContentType, e.Fetched)
	}
	one, err := c.ReadAt(limit(t), src)
	if err != nil || string(one.Value) != "value" {
		t.Errorf("ReadAt gave %v, %v", one, err)
	}
	src.Offset = 7
	if _, err := c.ReadAt(limit(t), src); err == nil {
		t.Error("ReadAt found a record that was never written")
	}
}

func TestOneKeyStaysInOnePartitionInOrder(t *testing.T) {
	c := open(t, config(brokers(t, 3)))
	things := topic(t, c, 12)
	write(t, producer(t, c), numbered(things, 700)...)
	byHash := kafka.ByHash()
	where := map[string]int32{}
	last := map[string]int{}
	for _, e := range read(t, tail(t, c, kafka.TailStart(), things), 700) {
		key := string(e.Key)
		if p, ok := where[key]; ok && p != e.Source.Partition {
			t.Errorf("key %s is in partitions %d and %d", key, p, e.Source.Partition)
		}
		if p := byHash(e.Key, 12); p != e.Source.Partition {
			t.Errorf("key %s is in partition %d, said was %d", key, e.Source.Partition, p)
		}
		where[key] = e.Source.Partition
		var n int
		fmt.Sscan(string(e.Value), &n)
		if before, ok := last[key]; ok && n != before+7 {
			t.Errorf("key %s: %d follows %d", key, n, before)
		}
		last[key] = n
	}
	// murmur2 as in Java: Utils.toPositive(Utils.murmur2("k0")) % 12, and so on.
	if len(where) != 7 {
		t.Errorf("%d keys came back, want 7: %v", len(where), where)
	}
}

// The gateway asks for each event.
func TestToAskForThePartitionOfAKeyCostsLittle(t *testing.T) {
	byHash, key := kafka.ByHash(), []byte("card-1")
	if n := testing.AllocsPerRun(100, func() { byHash(key, 12) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

func TestTailBeginsWhereItSays(t *testing.T) {
	c := open(t, config(brokers(t, 1)))
	things := topic(t, c, 1)
	p := producer(t, c)
	old := time.Now().Add(-time.Hour)
	for i := range 10 {
		write(t, p, &kafka.Record{Topic: things, Value: fmt.Appendf(nil, "%d", i), Time: old.Add(time.Duration(i) * time.Minute)})
	}
	for name, tt := range map[string]struct {
		from kafka.TailFrom
		want string
	}{
		"the start is the first record":      {kafka.TailStart(), "0"},
		"the end is the next record":         {kafka.TailEnd(), "new"},
		"a time is the first record of it":   {kafka.TailAt(old.Add(4*time.Minute - time.Second)), "4"},
		"offsets are taken as they are":      {kafka.TailOffsets(map[kafka.Partition]int64{{Topic: things}: 6}), "6"},
		"offsets beyond the end begin anew":  {kafka.TailOffsets(map[kafka.Partition]int64{{Topic: things}: 600}), "0"},
		"a time in the future is the end":    {kafka.TailAt(time.Now().Add(time.Hour)), "new"},
		"missing offsets begin at the start": {kafka.TailOffsets(nil), "0"},
	} {
		t.Run(name, func(t *testing.T) {
			tl := tail(t, c, tt.from, things)
			behind := tt.want != "new"
			if tl.CaughtUp() == behind {
				t.Errorf("CaughtUp is %v before anything was read", !behind)
			}
			write(t, p, &kafka.Record{Topic: things, Value: []byte("new")})
			var first string
			for first == "" || !tl.CaughtUp() {
				for _, e := range read(t, tl, 1) {
					if first == "" {
						first = string(e.Value)
					}
				}
			}
			if first != tt.want {
				t.Errorf("it began with %s, want %s", first, tt.want)
			}
		})
	}
}

func TestBrokersAndOffsetsAreListed(t *testing.T) {
	addresses := brokers(t, 3)
	c := open(t, config(addresses))
	things := topic(t, c, 2)
	write(t, producer(t, c), &kafka.Record{Topic: things, Partition: 1, Value: []byte("x")})
	if err := c.Ping(limit(t)); err != nil {
		t.Fatal(err)
	}
	list, err := c.Brokers(limit(t))
	if err != nil {
		t.Fatal(err)
	}
	var addrs []string
	controllers := 0
	for _, one := range list {
		addrs = append(addrs, one.Addr)
		if one.Controller {
			controllers++
		}
	}
	if !slices.Equal(addrs, addresses) || controllers != 1 {
		t.Errorf("brokers %v with %d controllers, want %v with 1", addrs, controllers, addresses)
	}
	start, end, err := c.Offsets(limit(t), things)
	if err != nil || !maps.Equal(start, map[int32]int64{0: 0, 1: 0}) || !maps.Equal(end, map[int32]int64{0: 0, 1: 1}) {
		t.Errorf("offsets %v to %v, %v", start, end, err)
	}
	if _, _, err := c.Offsets(limit(t), "nothing"); err == nil {
		t.Error("a missing topic has offsets")
	}
}

func TestAskingBrokersThatAreStoppedEndsInTime(t *testing.T) {
	stopped, err := net.Listen("tcp", "127.0.0.1:0") // connected by the system, answered by nobody
	if err != nil {
		t.Fatal(err)
	}
	defer stopped.Close()
	cfg := kafka.DefaultConfig()
	cfg.Seeds = []string{stopped.Addr().String()}
	c, err := kafka.Open(cfg, kafka.Deps{Pipeline: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	asked := make(chan error, 1)
	go func() { asked <- c.Ping(ctx) }()
	select {
	case err = <-asked:
	case <-time.After(5 * time.Second): // half of what the library waits
		t.Fatal("it still waits when its time is long over")
	}
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), stopped.Addr().String()) {
		t.Errorf("the error is %v, want that time is over and whom it asked", err)
	}
}
