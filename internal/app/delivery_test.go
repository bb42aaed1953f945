//go:build interop

package app

import (
	"testing"

	"betimes/internal/lab/broker"
	"betimes/internal/lab/realkafka"
)

// The load of the delivery tests.
const (
	deliveries = 5000 // at least
	loadKeys   = 200
	loadPerSec = 500
)

// TestInteropDelivery has three workers join, leave and crash under load; of
// real brokers one of three is killed and started again.
func TestInteropDelivery(t *testing.T) {
	const classic, consumer = "protocol: classic, membership: static", "protocol: consumer, membership: dynamic"
	const exactly = ", guarantee: exactly_once"
	for _, tt := range []struct {
		name   string
		start  func(t *testing.T) place
		stream string
	}{
		{"Apache Kafka, classic, static members", realBrokers, classic},
		{"Apache Kafka, KIP-848, dynamic members", realBrokers, consumer},
		{"embedded, classic, static members", embeddedBrokers, classic},
		{"embedded, KIP-848, dynamic members", embeddedBrokers, consumer},
		{"Apache Kafka, classic, exactly once", realBrokers, classic + exactly},
		{"Apache Kafka, KIP-848, exactly once", realBrokers, consumer + exactly},
		{"embedded, classic, exactly once", embeddedBrokers, classic + exactly},
		{"embedded, KIP-848, exactly once", embeddedBrokers, consumer + exactly},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			deliver(t, tt.start(t), tt.stream)
		})
	}
}

// place is where the topics are.
type place struct {
	addrs         []string
	copies        int    // of a partition; 0: as many as by default
	kill, restart func() // of one broker; nil: all are one process
}

// realBrokers has three brokers that let members be missed in 6 s; by default
// Kafka takes 45 s at least with KIP-848.
func realBrokers(t *testing.T) place {
	t.Helper()
	b := realkafka.Start(t, realkafka.Config{Brokers: 3, Properties: map[string]string{
		"group.consumer.min.session.timeout.ms": "6000", "group.consumer.min.heartbeat.interval.ms": "500",
	}})
	return place{addrs: b.Addrs(), kill: func() { b.Kill(2) }, restart: func() { b.Restart(t, 2) }}
}

func embeddedBrokers(t *testing.T) place {
	t.Helper()
	b, err := broker.New(broker.Config{Brokers: 3, Listen: "127.0.0.1:0"}, broker.Deps{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return place{addrs: b.Addrs()}
}

func deliver(t *testing.T, brokers place, stream string) {
	s := newSite(t, brokers.addrs, stream)
	one, two := s.worker(t, "one"), s.worker(t, "two")
	s.load(t)
	s.answered(t, 400)
	three := s.worker(t, "three")
	s.answered(t, 400)
	if brokers.kill != nil {
		s.fault("broker killed")
		brokers.kill()
		s.answered(t, 400) // goes on without it
	}
	s.fault("worker leaves")
	two.leave(t)
	s.answered(t, 400)
	if brokers.restart != nil {
		s.fault("broker starts")
		brokers.restart()
		s.answered(t, 400)
	}
	s.fault("worker killed")
	one.kill()
	one, two = s.worker(t, "one"), s.worker(t, "two")
	s.finish(t)
	for _, w := range []*child{one, two, three} {
		w.leave(t)
	}
	s.judge(t)
}
