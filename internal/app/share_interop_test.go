//go:build interop

package app

import (
	"testing"
	"time"

	"betimes/internal/event"
	"betimes/internal/lab/realkafka"
)

// TestInteropAShareGroup has three workers of a share group under load; one is
// killed, one leaves, one comes; of real brokers one is killed and comes back.
// Nothing is lost; what is done twice is counted.
func TestInteropAShareGroup(t *testing.T) {
	for name, start := range map[string]func(t *testing.T) place{
		"embedded": embeddedBrokers,
		"Apache Kafka": func(t *testing.T) place {
			b := realkafka.Start(t, realkafka.Config{Brokers: 3, Properties: map[string]string{
				// A killed member's events are given to others when its connection ends; the
				// member itself is missed after its session, 45 s by default.
				"group.share.min.session.timeout.ms": "6000", "group.share.session.timeout.ms": "6000",
				"group.share.min.heartbeat.interval.ms": "500", "group.share.heartbeat.interval.ms": "500",
			}})
			return place{addrs: b.Addrs(), kill: func() { b.Kill(2) }, restart: func() { b.Restart(t, 2) }}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shared(t, start(t))
		})
	}
}

func shared(t *testing.T, brokers place) {
	s := newSite(t, brokers.addrs, "protocol: share, order: none")
	one, two := s.worker(t, "one"), s.worker(t, "two")
	s.worker(t, "three")
	s.load(t)
	s.answered(t, 1000)
	one.kill()
	s.answered(t, 1000)
	if brokers.kill != nil {
		brokers.kill()
		s.answered(t, 1000)
		brokers.restart()
	}
	two.leave(t)
	s.worker(t, "four")
	s.answered(t, 1000)
	s.stop()
	<-s.stopped
	ends := map[string]int{}
	s.await(t, "an ending of every event", func(int64) bool {
		clear(ends)
		for _, e := range s.read(t, "predictions", "dead-letters", "quarantine", "shed") {
			ends[e.Source.Topic+" "+string(e.Header(event.HeaderSource))]++
		}
		return len(ends) >= len(s.written)
	})
	lost, twice := 0, 0
	for src := range s.written {
		n := ends["predictions "+src.String()]
		if n == 0 {
			lost++
		}
		twice += max(n-1, 0)
	}
	t.Logf("events %d, lost %d, predicted once more %d, asked once more %d, the slowest prediction %s after its event",
		len(s.written), lost, twice, s.calls.Load()-int64(len(s.written)), s.slowest(t))
	if lost > 0 || len(ends) != len(s.written) || len(s.failures) > 0 {
		t.Errorf("lost %d, %d places of %d events, not written %v", lost, len(ends), len(s.written), s.failures)
	}
	if most := 2*64 + 32 + loadPerSec; twice > most {
		t.Errorf("%d events predicted again, a worker holds less than %d", twice, most)
	}
}

// slowest is the longest time from an event to its first prediction.
func (s *site) slowest(t *testing.T) (longest time.Duration) {
	t.Helper()
	written := map[string]time.Time{}
	for _, e := range s.read(t, "events") {
		written[e.Source.String()] = e.Recorded
	}
	for _, e := range s.read(t, "predictions") {
		source := string(e.Header(event.HeaderSource))
		if at, first := written[source]; first {
			longest = max(longest, e.Recorded.Sub(at))
			delete(written, source)
		}
	}
	return longest
}
