//go:build interop

package kafka_test

import (
	"testing"
	"time"

	"betimes/internal/kafka"
	"betimes/internal/lab/realkafka"
)

// TestInteropDutiesMoveWhenTheirBrokerIsKilled asks who coordinates a group and
// who leads the controllers, kills the latter and asks again.
func TestInteropDutiesMoveWhenTheirBrokerIsKilled(t *testing.T) {
	brokers := realkafka.Start(t, realkafka.Config{Brokers: 3})
	cfg := kafka.DefaultConfig()
	cfg.Seeds = brokers.Addrs()
	c, err := kafka.Open(cfg, kafka.Deps{Pipeline: "duties"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	duties := func() (coordinator, controller int32, err error) {
		if coordinator, err = c.Coordinator(t.Context(), "duties"); err != nil {
			return 0, 0, err
		}
		controller, err = c.QuorumLeader(t.Context())
		return coordinator, controller, err
	}
	coordinator, controller, err := duties()
	if err != nil || coordinator < 1 || coordinator > 3 || controller < 1 || controller > 3 {
		t.Fatalf("coordinator %d, controller %d of brokers 1 to 3: %v", coordinator, controller, err)
	}
	brokers.Kill(int(controller))
	tick, late := time.NewTicker(50*time.Millisecond), time.After(3*time.Minute)
	defer tick.Stop()
	for now := controller; now == controller || err != nil; _, now, err = duties() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("broker %d, which was killed, leads the controllers after three minutes: %v", now, err)
		}
	}
}
