package broker_test

import (
	"context"
	"encoding/json"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
	"betimes/internal/lab/broker"
)

// limit is how long anything in these tests may take on a busy machine.
func limit(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func startIn(t *testing.T, dir string) *broker.Cluster {
	t.Helper()
	b, err := broker.New(broker.Config{Brokers: 3, Listen: "127.0.0.1:0"}, broker.Deps{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func openDoor(t *testing.T, addrs []string) *kafka.Cluster {
	t.Helper()
	cfg := kafka.DefaultConfig()
	cfg.Seeds = addrs
	c, err := kafka.Open(cfg, kafka.Deps{Pipeline: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func ensure(t *testing.T, c *kafka.Cluster, spec kafka.TopicSpec) {
	t.Helper()
	if err := c.EnsureTopics(limit(t), []kafka.TopicSpec{spec}, true); err != nil {
		t.Fatal(err)
	}
}

// write writes values to partition 0 of a topic, one batch each.
func write(t *testing.T, c *kafka.Cluster, topic string, values ...string) {
	t.Helper()
	p, err := c.NewProducer("write")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, v := range values {
		done := make(chan error, 1)
		p.Write(&kafka.Record{Topic: topic, Value: []byte(v), Time: time.Now().Add(-time.Minute)}, func(_ event.Source, err error) { done <- err })
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}

func values(t *testing.T, c *kafka.Cluster, topic string) []string {
	t.Helper()
	tail, err := c.NewTail(limit(t), kafka.TailConfig{Topics: []string{topic}})
	if err != nil {
		t.Fatal(err)
	}
	defer tail.Close()
	var list []string
	for !tail.CaughtUp() {
		events, err := tail.Poll(limit(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			list = append(list, string(e.Value))
		}
	}
	return list
}

// commit joins a group, commits next and leaves it without its partitions.
func commit(t *testing.T, c *kafka.Cluster, topic string, next int64) {
	t.Helper()
	assigned := make(chan struct{})
	m, err := c.NewMember(kafka.MemberConfig{
		Group: "g", Topics: []string{topic}, StaticID: "one",
		Assigned: func(map[kafka.Partition]int64) { close(assigned) },
	})
	if err != nil {
		t.Fatal(err)
	}
	polling, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- m.Poll(polling, func([]*event.Event) {}) }()
	defer func() { stop(); <-ended; m.Stop() }()
	select {
	case <-assigned:
	case <-limit(t).Done():
		t.Fatal("no partition was assigned")
	}
	if err := m.Commit(limit(t), map[kafka.Partition]int64{{Topic: topic}: next}); err != nil {
		t.Fatal(err)
	}
}

// tear puts the beginning of another write behind a file, as a kill may.
func tear(t *testing.T, path string, cut int) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(data, data[:cut]...), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTornWritesAreCutOff(t *testing.T) {
	dir := t.TempDir()
	first := startChild(t, dir)
	c := openDoor(t, first.addrs)
	ensure(t, c, kafka.TopicSpec{Name: "things", Partitions: 1, ReplicationFactor: 1})
	write(t, c, "things", "a", "b", "c")
	commit(t, c, "things", 1)
	first.kill()

	part := filepath.Join(dir, "records", "partitions", "things-0")
	tear(t, filepath.Join(part, "0.dat"), 40)
	tear(t, filepath.Join(part, "0.idx"), 7)
	tear(t, filepath.Join(dir, "records", "groups.log"), 15)
	tear(t, filepath.Join(dir, "records", "pids.log"), 15)

	second := startChild(t, dir)
	write(t, c, "things", "d")
	commit(t, c, "things", 2)
	second.kill()
	startChild(t, dir)
	if got := values(t, c, "things"); !slices.Equal(got, []string{"a", "b", "c", "d"}) {
		t.Errorf("the topic holds %q, want a b c d", got)
	}
	committed, err := c.Committed(limit(t), "g")
	if want := map[kafka.Partition]int64{{Topic: "things"}: 2}; err != nil || !maps.Equal(committed, want) {
		t.Errorf("committed is %v, %v; want %v: what was committed after the torn write is lost", committed, err, want)
	}
	index, err := os.ReadFile(filepath.Join(part, "0.idx"))
	if err != nil || len(index) != 4*15 {
		t.Errorf("the index has %d bytes, %v; want 15 for each of 4 batches", len(index), err)
	}
}

func TestAnEmptiedPartitionGoesOnWhereItEnded(t *testing.T) {
	dir := t.TempDir()
	b := startIn(t, dir)
	c := openDoor(t, b.Addrs())
	ensure(t, c, kafka.TopicSpec{Name: "things", Partitions: 2, ReplicationFactor: 1, Configs: map[string]string{"retention.ms": "1"}})
	write(t, c, "things", "a", "b", "c")
	b.ApplyRetention()
	b.Close()
	startIn(t, dir)
	start, end, err := c.Offsets(limit(t), "things")
	if err != nil || start[0] != 3 || end[0] != 3 {
		t.Fatalf("partition 0 goes from %d to %d, %v; want 3 to 3", start[0], end[0], err)
	}
	write(t, c, "things", "d")
	if _, end, err = c.Offsets(limit(t), "things"); err != nil || end[0] != 4 || end[1] != 0 {
		t.Errorf("the ends are %v, %v; want 4 and 0", end, err)
	}
}

func TestARestartFindsAddressesAndRecords(t *testing.T) {
	dir := t.TempDir()
	b := startIn(t, dir)
	c := openDoor(t, b.Addrs())
	ensure(t, c, kafka.TopicSpec{Name: "things", Partitions: 1, ReplicationFactor: 3})
	write(t, c, "things", "a")
	before := b.Addrs()
	b.Close()
	b = startIn(t, dir)
	if !slices.Equal(b.Addrs(), before) {
		t.Errorf("the addresses were %v and are %v", before, b.Addrs())
	}
	if got := values(t, c, "things"); !slices.Equal(got, []string{"a"}) {
		t.Errorf("the topic holds %q, want a", got)
	}
}

func TestWhatCannotStartSaysWhy(t *testing.T) {
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	write := func(text string) string {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "brokers.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	kept, _ := json.Marshal(map[string]any{"version": 1, "cluster_id": "x", "ports": []int{other.Addr().(*net.TCPAddr).Port}})
	for name, tt := range map[string]struct {
		dir, listen string
		want        []string
	}{
		"a taken port":          {t.TempDir(), other.Addr().String(), []string{"kafka.embedded.listen: " + other.Addr().String(), "address already in use", "choose another"}},
		"a kept port now taken": {write(string(kept)), "127.0.0.1:0", []string{"kafka.embedded.listen: 127.0.0.1:0", "the last run had this port"}},
		"another version":       {write(`{"version": 7}`), "127.0.0.1:0", []string{"has version 7", "another data_dir"}},
		"a damaged file":        {write(`{"vers`), "127.0.0.1:0", []string{"brokers.json is damaged", "restore it"}},
		"no folder":             {"", "127.0.0.1:0", []string{"no folder"}},
		"no address":            {t.TempDir(), "here", []string{`kafka.embedded.listen: "here"`}},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := broker.New(broker.Config{Brokers: 1, Listen: tt.listen}, broker.Deps{Dir: tt.dir})
			if err == nil {
				b.Close()
				t.Fatal("it started")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error is %q, want %q in it", err, want)
				}
			}
		})
	}
}

func TestBrokersTakeTheHostsAndPortsTheyAreGiven(t *testing.T) {
	probe := startIn(t, t.TempDir()) // a port of the range that is free just now
	_, port, _ := net.SplitHostPort(probe.Addrs()[0])
	probe.Close()
	for name, listen := range map[string]string{"an address": "127.0.0.1:" + port, "a name": "localhost:" + port} {
		t.Run(name, func(t *testing.T) {
			b, err := broker.New(broker.Config{Brokers: 1, Listen: listen}, broker.Deps{Dir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			if !slices.Equal(b.Addrs(), []string{listen}) {
				t.Errorf("it listens on %v, want %s", b.Addrs(), listen)
			}
			ensure(t, openDoor(t, b.Addrs()), kafka.TopicSpec{Name: "things", Partitions: 1, ReplicationFactor: 1})
		})
	}
	everywhere, err := broker.New(broker.Config{Brokers: 2, Listen: "0.0.0.0:0"}, broker.Deps{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer everywhere.Close()
	for _, addr := range everywhere.Addrs() {
		if strings.HasPrefix(addr, "0.0.0.0") || strings.HasPrefix(addr, "[::]") {
			t.Errorf("clients are told %s", addr)
		}
	}
}
