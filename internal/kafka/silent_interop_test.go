//go:build interop

package kafka_test

import (
	"testing"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
	"betimes/internal/lab/realkafka"
)

// TestInteropABrokerThatSaysNothingHoldsUpNoWriteForLong stops the broker that leads
// the controllers, which keeps its connections, while a record is on its way to
// each partition. The promise is p99 within ten seconds; the others are for the machine.
func TestInteropABrokerThatSaysNothingHoldsUpNoWriteForLong(t *testing.T) {
	const partitions = 6
	brokers := realkafka.Start(t, realkafka.Config{Brokers: 3})
	cfg := kafka.DefaultConfig()
	cfg.Seeds = brokers.Addrs()
	c, err := kafka.Open(cfg, kafka.Deps{Pipeline: "silent"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	spec := kafka.TopicSpec{Name: "silent", Partitions: partitions, ReplicationFactor: 3}
	if err := c.EnsureTopics(t.Context(), []kafka.TopicSpec{spec}, true); err != nil {
		t.Fatal(err)
	}
	p, err := c.NewPatientProducer("silent")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	write := func(most time.Duration) {
		t.Helper()
		written, late := make(chan error, partitions), time.After(most)
		for n := range int32(partitions) {
			p.Write(&kafka.Record{Topic: spec.Name, Partition: n, Value: []byte("v")}, func(_ event.Source, err error) { written <- err })
		}
		for n := range partitions {
			select {
			case err := <-written:
				if err != nil {
					t.Fatal(err)
				}
			case <-late:
				t.Fatalf("%d of %d records are written after %s", n, partitions, most)
			}
		}
	}
	write(time.Minute) // all connections are open
	controller, err := c.QuorumLeader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	brokers.Stop(int(controller))
	defer brokers.Continue(int(controller))
	write(25 * time.Second)
}
