//go:build interop

package app

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"betimes/internal/lab/fault"
	"betimes/internal/lab/realkafka"
)

// times are those of the brokers of these tests: members may be missed in 6 s,
// and a transaction that has run out of time is aborted within a second.
var times = map[string]string{
	"group.consumer.min.session.timeout.ms": "6000", "group.consumer.min.heartbeat.interval.ms": "500",
	"transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
}

// together starts three real brokers that nobody kills.
func together(t *testing.T) place {
	t.Helper()
	return place{addrs: realkafka.Start(t, realkafka.Config{Brokers: 3, Together: 3, Properties: times}).Addrs()}
}

// sleepFor is longer than a session and than a transaction may take.
const sleepFor = 10 * time.Second

// TestInteropExactlyOnceWithZombies stops workers for longer than the group and
// their transactions wait, while others have their partitions or even their name.
func TestInteropExactlyOnceWithZombies(t *testing.T) {
	const classic, consumer = "protocol: classic, membership: static", "protocol: consumer, membership: dynamic"
	for _, tt := range []struct {
		name   string
		start  func(t *testing.T) place
		stream string
	}{
		{"Apache Kafka, classic", together, classic},
		{"Apache Kafka, KIP-848", together, consumer},
		{"embedded, classic", embeddedBrokers, classic},
		{"embedded, KIP-848", embeddedBrokers, consumer},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			haunt(t, tt.start(t), tt.stream+", guarantee: exactly_once")
		})
	}
}

func haunt(t *testing.T, brokers place, stream string) {
	s := newSite(t, brokers.addrs, stream)
	one, two := s.worker(t, "one"), s.worker(t, "two")
	s.load(t)
	s.answered(t, 400)

	s.fault("worker stopped", func() { one.signal(t, syscall.SIGSTOP) })
	asleep := time.After(sleepFor)
	s.answered(t, 400) // its partitions are another's
	<-asleep
	s.fault("zombie goes on", func() { one.signal(t, syscall.SIGCONT) })
	s.answered(t, 400)
	if !brokers.embedded {
		two = s.inherit(t, two)
	}
	s.finish(t)
	if brokers.embedded {
		one.kill() // it may have ended: these brokers cannot say that nobody took its place
	} else {
		one.leave(t)
	}
	two.leave(t)
	s.judge(t)
}

// inherit stops a worker, starts another under its name, wakes the first, which
// ends and says why, and returns the other.
func (s *site) inherit(t *testing.T, w *child) *child {
	t.Helper()
	s.fault("worker stopped, another takes its name", func() { w.signal(t, syscall.SIGSTOP) })
	heir := s.namesake(t, "heir", "two")
	s.answered(t, 400)
	w.signal(t, syscall.SIGCONT)
	if err := w.wait(); err == nil || !strings.Contains(w.log.String(), "another process") {
		t.Errorf("a worker whose name another has ended with %v", err)
	}
	s.answered(t, 400)
	return heir
}

// TestInteropExactlyOnceWhenAnswersAreLost loses the answers to what brokers have
// done: whether it was done is not known to the worker.
func TestInteropExactlyOnceWhenAnswersAreLost(t *testing.T) {
	for name, start := range map[string]func(t *testing.T) place{"Apache Kafka": together, "embedded": embeddedBrokers} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			brokers := start(t)
			proxy, err := fault.NewProxy(brokers.addrs, 1, nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(proxy.Close)
			s := newSite(t, brokers.addrs, "protocol: classic, membership: static, guarantee: exactly_once")
			s.file = strings.Replace(s.file, strings.Join(brokers.addrs, `", "`), strings.Join(proxy.Addrs(), `", "`), 1)
			one, two := s.worker(t, "one"), s.worker(t, "two")
			s.load(t)
			s.answered(t, 200)
			for _, c := range []struct {
				what  string
				key   int16 // of Kafka's protocol
				count int
			}{
				{"a record", 0, 1}, {"the offsets of a transaction", 28, 1}, {"the end of a transaction", 26, 1},
				{"offsets, until the transaction is out of time", 28, 14}, {"the end, until the client gives up", 26, 25}, {"a new epoch", 22, 3},
			} {
				f := fault.Fault{Client: "endings", Count: c.count, On: fault.Response, Do: fault.Drop}
				f.Keys = keyed(f.Keys, c.key)
				var h *fault.Handle
				s.fault("lost: "+c.what, func() { h = proxy.Add(f) })
				s.answered(t, 400)
				if h.Hits() == 0 && c.key != 22 {
					t.Errorf("lost: %s: nothing was", c.what)
				}
				h.Remove()
			}
			s.finish(t)
			one.leave(t)
			two.leave(t)
			s.judge(t)
		})
	}
}

// keyed gives the key of a request as faults name it.
func keyed[K ~int16](_ []K, key int16) []K { return []K{K(key)} }
