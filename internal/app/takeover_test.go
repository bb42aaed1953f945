//go:build interop

package app

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"betimes/internal/event"
	"betimes/internal/kafka"
	"betimes/internal/lab/realkafka"
)

// The topic of a takeover, and how much of it each of the first two do.
const (
	takenOver = 1500
	share     = 500
)

// foreign is a consumer of somebody else. It processes n events at least, or with
// 0 all there are, commits them and leaves; the command prints the source of each.
type foreign func(t *testing.T, seeds, group string, n int) *exec.Cmd

// TestInteropTakeover gives a group and its offsets from a consumer of somebody
// else to betimes, and back. Everybody leaves in order, so nothing is in flight.
func TestInteropTakeover(t *testing.T) {
	for _, tt := range []struct {
		name     string
		consumer foreign
		stream   string
	}{
		{"Java, classic", java("classic"), "protocol: classic, membership: static"},
		{"Java, KIP-848", java("consumer"), "protocol: consumer, membership: dynamic"},
		{"kafka-python, classic", python, "protocol: classic, membership: dynamic"},
	} {
		for where, start := range map[string]func(*testing.T) place{"Apache Kafka": oneBroker, "embedded": embeddedBrokers} {
			t.Run(tt.name+", "+where, func(t *testing.T) { takeOver(t, start(t), tt.consumer, tt.stream) })
		}
	}
	// The embedded broker refuses commits of a classic member that comes to a group of the other protocol.
	t.Run("Java, classic, and betimes by KIP-848, Apache Kafka", func(t *testing.T) {
		takeOver(t, oneBroker(t), java("classic"), "protocol: consumer, membership: dynamic")
	})
}

// oneBroker is enough where nothing is killed.
func oneBroker(t *testing.T) place {
	t.Helper()
	return place{addrs: realkafka.Start(t, realkafka.Config{Brokers: 1}).Addrs(), copies: 1}
}

func takeOver(t *testing.T, brokers place, consumer foreign, stream string) {
	s := newSite(t, brokers.addrs, "concurrency: 8, "+stream)
	s.scale(brokers)
	s.fill(t, takenOver)
	seen := map[string]int{}
	add := func(who string, sources []string) {
		t.Logf("%s processed %d events", who, len(sources))
		for _, src := range sources {
			seen[src]++
		}
	}
	consume := func(n int) []string {
		cmd := consumer(t, strings.Join(brokers.addrs, ","), "delivery", n)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v\n%s", cmd, err, &stderr)
		}
		warning := func(word string) bool { return !strings.HasPrefix(word, "events:") } // of a client on a busy machine
		return slices.DeleteFunc(strings.Fields(string(out)), warning)
	}
	if add("the other consumer", consume(share)); len(seen) < share {
		t.Fatalf("it has %d events, %d were asked for", len(seen), share)
	}
	w := s.worker(t, "one")
	s.answered(t, share)
	w.leave(t)
	var sources []string
	for _, e := range s.read(t, "predictions", "dead-letters", "quarantine", "shed") {
		sources = append(sources, string(e.Header(event.HeaderSource)))
	}
	add("betimes", sources)
	if len(sources) < share || takenOver <= len(seen) {
		t.Errorf("betimes has %d events, all have %d: there was nothing to take over, or nothing left", len(sources), len(seen))
	}
	add("the other consumer", consume(0))
	repeated := 0
	for _, n := range seen {
		repeated += n - 1
	}
	if lost := takenOver - len(seen); lost != 0 || repeated != 0 {
		t.Errorf("lost %d, repeated %d", lost, repeated)
	}
}

// scale gives topics as many copies as there are brokers.
func (s *site) scale(brokers place) {
	if brokers.copies > 0 {
		s.brokers.Topics.Events.ReplicationFactor = brokers.copies
		s.file = strings.Replace(s.file, "create_topics: true", fmt.Sprintf("create_topics: true, topics: {events: {replication_factor: %d}}", brokers.copies), 1)
	}
}

// fill writes n events before anybody reads.
func (s *site) fill(t *testing.T, n int) {
	t.Helper()
	if err := s.cluster.EnsureTopics(t.Context(), kafka.TopicSpecs(s.brokers, "delivery"), true); err != nil {
		t.Fatal(err)
	}
	p, err := s.cluster.NewPatientProducer("fill")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for i := range n {
		p.Write(&kafka.Record{
			Topic: "events", Partition: kafka.ByKey, Key: fmt.Appendf(nil, "k%d", i%loadKeys), Value: fmt.Appendf(nil, `{"n":%d}`, i),
		}, s.wrote)
	}
	if err := p.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(s.failures) > 0 {
		t.Fatal(s.failures[0])
	}
}

func java(protocol string) foreign {
	return func(t *testing.T, seeds, group string, n int) *exec.Cmd {
		return realkafka.Java(t, filepath.Join("testdata", "Takeover.java"), seeds, "events", group, protocol, fmt.Sprint(n))
	}
}

// python is kafka-python, which has the classic protocol only.
func python(t *testing.T, seeds, group string, n int) *exec.Cmd {
	t.Helper()
	return exec.CommandContext(t.Context(), filepath.Join(kafkaPython(t), "python"), filepath.Join("testdata", "takeover.py"), seeds, "events", group, fmt.Sprint(n))
}

// kafkaPython makes a Python environment with the pinned client, once, in the
// cache folder, and gives its folder of programs.
func kafkaPython(t *testing.T) string {
	t.Helper()
	cache := os.Getenv("BETIMES_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			t.Fatalf("no cache folder: %v; set BETIMES_CACHE", err)
		}
		cache = filepath.Join(user, "betimes")
	}
	const client = "kafka-python==3.0.12"
	programs := filepath.Join(cache, strings.ReplaceAll(client, "==", "-"), "bin")
	done := filepath.Join(programs, "complete")
	if _, err := os.Stat(done); err == nil {
		return programs
	}
	for _, cmd := range []*exec.Cmd{
		exec.CommandContext(t.Context(), "python3", "-m", "venv", "--clear", filepath.Dir(programs)),
		exec.CommandContext(t.Context(), filepath.Join(programs, "pip"), "install", "--quiet", client),
	} {
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", cmd, err, out)
		}
	}
	if err := os.WriteFile(done, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return programs
}
