//go:build interop

package app

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// TestInteropBeside has a worker join a group in which kafka-python is at work, and
// go on when that has left.
func TestInteropBeside(t *testing.T) {
	const dynamic, static = "protocol: eager, membership: dynamic", "protocol: eager, membership: static"
	for _, tt := range []struct {
		where    string
		start    func(*testing.T) place
		strategy string // of kafka-python
		stream   string
	}{
		{"Apache Kafka", oneBroker, "default", dynamic},
		{"Apache Kafka", oneBroker, "range", static + ", guarantee: exactly_once"},
		{"Apache Kafka", oneBroker, "roundrobin", dynamic},
		{"embedded", embeddedBrokers, "range", static},
	} {
		t.Run(tt.strategy+", "+tt.stream+", "+tt.where, func(t *testing.T) {
			t.Parallel()
			beside(t, tt.start(t), tt.strategy, tt.stream)
		})
	}
}

// inWork is how many events a worker of beside has in work at once.
const inWork = 8

func beside(t *testing.T, brokers place, strategy, stream string) {
	s := newSite(t, brokers.addrs, fmt.Sprintf("concurrency: %d, %s", inWork, stream))
	s.scale(brokers)
	if err := s.cluster.EnsureTopics(t.Context(), kafka.TopicSpecs(s.brokers, "delivery"), true); err != nil {
		t.Fatal(err)
	}
	other := startOther(t, brokers.addrs, "delivery", strategy)
	s.load(t)
	s.await(t, "events that the other has processed alone", func(int64) bool { return len(other.all()) >= 200 })
	w := s.worker(t, "one")
	alone := len(other.all())
	s.answered(t, 200)
	s.await(t, "events that the other has processed beside the worker", func(int64) bool { return len(other.all()) >= alone+200 })
	s.answered(t, 200)
	t.Logf("the other processed %d events alone and %d beside the worker", alone, len(other.all())-alone)
	other.leave(t)
	s.answered(t, 200)
	s.finish(t)
	w.leave(t)
	s.unwatch()
	<-s.watched
	s.shared(t, other.all())
}

// shared judges what the other and a worker have done of what was written.
func (s *site) shared(t *testing.T, others []string) {
	t.Helper()
	seen := map[string]int{}
	for _, src := range others {
		seen[src]++
	}
	last := map[string]int64{} // source offset of the newest ending of a key
	ours := 0
	for _, e := range s.read(t, "predictions", "dead-letters", "quarantine", "shed") {
		ours++
		src := string(e.Header(event.HeaderSource))
		seen[src]++
		from, ok := event.ParseSource(src)
		if !ok {
			t.Fatalf("the source of an ending is %q", src)
		}
		if seen[src] == 1 && from.Offset < last[string(e.Key)] {
			t.Errorf("%s of key %s ended after offset %d", src, e.Key, last[string(e.Key)])
		}
		last[string(e.Key)] = max(last[string(e.Key)], from.Offset)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, err := range s.failures {
		t.Errorf("not written: %v", err)
	}
	lost, repeated := 0, -len(s.written)
	for src := range s.written {
		if seen[src.String()] == 0 {
			lost++
		}
	}
	for _, n := range seen {
		repeated += n
	}
	repeated += lost
	t.Logf("of %d events the other processed %d and the worker %d; lost %d, repeated %d", len(s.written), len(others), ours, lost, repeated)
	if lost != 0 || repeated > inWork {
		t.Errorf("lost %d, repeated %d; want none, and no more than %d in flight", lost, repeated, inWork)
	}
}

// other is a consumer of somebody else that stays in the group.
type other struct {
	cmd   *exec.Cmd
	stdin io.Closer
	log   bytes.Buffer
	heard chan struct{} // closed when it says no more

	mu      sync.Mutex
	sources []string
}

// startOther starts kafka-python with a way to share partitions.
func startOther(t *testing.T, seeds []string, group, strategy string) *other {
	t.Helper()
	o := &other{heard: make(chan struct{})}
	o.cmd = exec.CommandContext(t.Context(), filepath.Join(kafkaPython(t), "python"), filepath.Join("testdata", "beside.py"), strings.Join(seeds, ","), "events", group, strategy)
	o.cmd.Stderr = &o.log
	out, err := o.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if o.stdin, err = o.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := o.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = o.cmd.Process.Kill() // it may be gone
		<-o.heard
		_ = o.cmd.Wait()
		if t.Failed() {
			t.Logf("the other said\n%s", &o.log)
		}
	})
	go o.listen(out)
	return o
}

func (o *other) listen(out io.Reader) {
	defer close(o.heard)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if line := lines.Text(); strings.HasPrefix(line, "events:") { // else a warning
			o.mu.Lock()
			o.sources = append(o.sources, line)
			o.mu.Unlock()
		}
	}
}

// all are the sources of what it has processed.
func (o *other) all() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.sources[:len(o.sources):len(o.sources)]
}

// leave lets it commit and leave.
func (o *other) leave(t *testing.T) {
	t.Helper()
	_ = o.stdin.Close() // Wait tells more
	<-o.heard
	if err := o.cmd.Wait(); err != nil {
		t.Errorf("the other ended with %v\n%s", err, &o.log)
	}
}
