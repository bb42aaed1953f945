//go:build interop

package kafka_test

import (
	"slices"
	"testing"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
	"betimes/internal/lab/realkafka"
)

// TestInteropABrokerThatSaysNothingHoldsUpNoWriteForLong stops the broker that leads
// the controllers, which keeps its connections, while a record is on its way to
// each partition. The promise is p99 within ten seconds; the others are for the
// machine, and count from when the brokers take records from a client that knows
// nothing of before.
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
	write := func(p *kafka.Producer) <-chan error {
		written := make(chan error, partitions)
		for n := range int32(partitions) {
			p.Write(&kafka.Record{Topic: spec.Name, Partition: n, Value: []byte("v")}, func(_ event.Source, err error) { written <- err })
		}
		return written
	}
	await := func(written <-chan error, most time.Duration) {
		t.Helper()
		late := time.After(most)
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
	patient := func(c *kafka.Cluster) *kafka.Producer {
		t.Helper()
		p, err := c.NewPatientProducer("silent")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Close)
		return p
	}
	p := patient(c)
	await(write(p), 3*time.Minute) // all connections are open
	controller, err := c.QuorumLeader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	brokers.Stop(int(controller))
	defer brokers.Continue(int(controller))
	written := write(p)
	cfg.Seeds = slices.Delete(slices.Clone(brokers.Addrs()), int(controller)-1, int(controller))
	await(write(patient(open(t, cfg))), 3*time.Minute)
	await(written, 25*time.Second)
}
