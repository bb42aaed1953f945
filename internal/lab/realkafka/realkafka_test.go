//go:build interop

package realkafka_test

import (
	"context"
	"testing"
	"time"

	"betimes/internal/kafka"
	"betimes/internal/lab/realkafka"
)

func open(t *testing.T, addrs []string) *kafka.Cluster {
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

func TestInteropABrokerThatWasKilledComesBack(t *testing.T) {
	for name, n := range map[string]int{"one of one": 1, "one of three": 3} {
		t.Run(name, func(t *testing.T) {
			brokers := realkafka.Start(t, realkafka.Config{Brokers: n})
			addrs := brokers.Addrs()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			c := open(t, addrs)
			spec := kafka.TopicSpec{Name: "things", Partitions: 3, ReplicationFactor: n}
			if err := c.EnsureTopics(ctx, []kafka.TopicSpec{spec}, true); err != nil {
				t.Fatal(err)
			}
			brokers.Kill(1)
			if n > 1 {
				if err := open(t, addrs[1:]).Ping(ctx); err != nil {
					t.Errorf("the other brokers: %v", err)
				}
			}
			brokers.Restart(t, 1)
			again := open(t, addrs[:1])
			list, err := again.Brokers(ctx)
			if err != nil || len(list) != n || list[0].Addr != addrs[0] {
				t.Errorf("brokers %v, %v; want %v", list, err, addrs)
			}
			if _, end, err := again.Offsets(ctx, "things"); err != nil || len(end) != 3 {
				t.Errorf("the topic has %d partitions, %v; want 3", len(end), err)
			}
		})
	}
}
