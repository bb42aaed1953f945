//go:build interop

package app

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"betimes/internal/config"
	"betimes/internal/kafka"
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
// real brokers that are ours one of three is killed and started again.
func TestInteropDelivery(t *testing.T) {
	const static, dynamic = "protocol: classic, membership: static", "protocol: consumer, membership: dynamic"
	const exactly = ", guarantee: exactly_once"
	for where, start := range grounds() {
		for how, stream := range map[string]string{
			"classic, static members":  static,
			"KIP-848, dynamic members": dynamic,
			"eager, dynamic members":   "protocol: eager, membership: dynamic",
			"classic, exactly once":    static + exactly,
			"eager, exactly once":      "protocol: eager, membership: static" + exactly,
			"KIP-848, exactly once":    dynamic + exactly,
		} {
			t.Run(where+", "+how, func(t *testing.T) {
				t.Parallel()
				deliver(t, start(t), stream)
			})
		}
	}
}

// place is where the topics are.
type place struct {
	addrs         []string
	file          string       // with a section kafka that says how to come in; empty: there is nothing to say
	door          kafka.Config // of file
	copies        int          // of a partition; 0: as many as by default
	kill, restart func()       // of one broker; nil: all are one process, or not ours
	embedded      bool
}

// givenCluster names a file with a section kafka: brokers that run already, on
// which to deliver in place of our own.
const givenCluster = "BETIMES_TEST_CLUSTER"

// grounds are the brokers to deliver on.
func grounds() map[string]func(*testing.T) place {
	if os.Getenv(givenCluster) != "" {
		return map[string]func(*testing.T) place{"given": givenBrokers}
	}
	return map[string]func(*testing.T) place{"Apache Kafka": realBrokers, "embedded": embeddedBrokers}
}

func givenBrokers(t *testing.T) place {
	t.Helper()
	file, err := filepath.Abs(os.Getenv(givenCluster))
	if err != nil {
		t.Fatal(err)
	}
	rest := "extends: " + file + "\nmodels: {any: {rest: {url: \"http://127.0.0.1:1\"}}}\nflow: {stream: {from: earliest}}\n"
	loaded, err := config.Parse("given.yaml", []byte(rest), config.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return place{addrs: loaded.Config.Kafka.Seeds, file: file, door: loaded.Config.Kafka}
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
	return place{addrs: b.Addrs(), embedded: true}
}

func deliver(t *testing.T, brokers place, stream string) {
	s := newSite(t, brokers.addrs, stream)
	if brokers.file != "" {
		s.move(t, brokers)
	}
	one, two := s.worker(t, "one"), s.worker(t, "two")
	s.load(t)
	s.answered(t, 400)
	three := s.worker(t, "three")
	s.answered(t, 400)
	if brokers.kill != nil {
		s.fault("broker killed", brokers.kill)
		s.answered(t, 400) // goes on without it
	}
	s.fault("worker leaves", func() { two.leave(t) })
	s.answered(t, 400)
	if brokers.restart != nil {
		s.fault("broker starts", brokers.restart)
		s.answered(t, 400)
	}
	s.crash("worker killed", one.kill)
	one, two = s.worker(t, "one"), s.worker(t, "two")
	s.finish(t)
	for _, w := range []*child{one, two, three} {
		w.leave(t)
	}
	s.judge(t)
}

// move takes the site to brokers that run already, whose topics of ours have
// names that nobody else has. They stay there.
func (s *site) move(t *testing.T, to place) {
	t.Helper()
	s.brokers, s.prefix = to.door, "betimes-test-"+strings.ToLower(rand.Text()[:8])+"-"
	var err error
	if s.cluster, err = kafka.Open(s.brokers, kafka.Deps{Pipeline: "load"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.cluster.Close)
	var topics []string
	for _, name := range []string{"events", "predictions", "dead-letters", "quarantine", "shed"} {
		topics = append(topics, fmt.Sprintf("%s: {name: %s}", name, s.prefix+name))
	}
	seeds := fmt.Sprintf(`kafka: {seeds: ["%s"], create_topics: true}`, strings.Join(to.addrs, `", "`))
	s.file = strings.Replace(s.file, seeds, "kafka: {create_topics: true, topics: {"+strings.Join(topics, ", ")+"}}", 1)
	s.file = strings.Replace(s.file, "name: delivery", "extends: "+to.file+"\nname: "+s.prefix+"delivery", 1)
	t.Logf("topics begin with %s", s.prefix)
}
