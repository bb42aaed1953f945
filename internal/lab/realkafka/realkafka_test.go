//go:build interop

package realkafka_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"betimes/internal/kafka"
	"betimes/internal/lab/realkafka"
)

func open(t *testing.T, addrs []string) *kafka.Cluster {
	t.Helper()
	cfg := kafka.DefaultConfig()
	cfg.Seeds = addrs
	return through(t, cfg)
}

func through(t *testing.T, cfg kafka.Config) *kafka.Cluster {
	t.Helper()
	c, err := kafka.Open(cfg, kafka.Deps{Pipeline: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func limit(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestInteropABrokerThatWasKilledComesBack(t *testing.T) {
	for name, tt := range map[string]struct{ n, together int }{
		"one of one":                          {1, 0},
		"one of six, of which four are one":   {6, 4},
		"all of three, which are one machine": {3, 3},
	} {
		t.Run(name, func(t *testing.T) {
			brokers := realkafka.Start(t, realkafka.Config{Brokers: tt.n, Together: tt.together})
			addrs, ctx := brokers.Addrs(), limit(t)
			c := open(t, addrs)
			spec := kafka.TopicSpec{Name: "things", Partitions: 3, ReplicationFactor: min(3, tt.n)}
			if err := c.EnsureTopics(ctx, []kafka.TopicSpec{spec}, true); err != nil {
				t.Fatal(err)
			}
			brokers.Kill(1)
			if tt.n > max(1, tt.together) {
				if err := open(t, addrs[1:]).Ping(ctx); err != nil {
					t.Errorf("the other brokers: %v", err)
				}
			}
			brokers.Restart(t, 1)
			again := open(t, addrs[:1])
			list, err := again.Brokers(ctx)
			if err != nil || len(list) != tt.n || list[0].Addr != addrs[0] {
				t.Errorf("brokers %v, %v; want %v", list, err, addrs)
			}
			if _, end, err := again.Offsets(ctx, "things"); err != nil || len(end) != 3 {
				t.Errorf("the topic has %d partitions, %v; want 3", len(end), err)
			}
		})
	}
}

func TestInteropAStoppedBrokerSaysNothingUntilItGoesOn(t *testing.T) {
	t.Parallel() // the client waits ten seconds for an answer
	brokers := realkafka.Start(t, realkafka.Config{Brokers: 1})
	c := open(t, brokers.Addrs())
	if err := c.Ping(limit(t)); err != nil {
		t.Fatal(err)
	}
	brokers.Stop(1)
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := c.Ping(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a stopped broker answers %v, want no answer", err)
	}
	brokers.Continue(1)
	if err := c.Ping(limit(t)); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestInteropClientsBringWhatTheBrokersAskFor(t *testing.T) {
	for name, s := range map[string]realkafka.Security{
		"encryption":                      {TLS: true},
		"encryption and a certificate":    {TLS: true, Certificate: true},
		"a login":                         {Login: true},
		"encryption, a login and a right": {TLS: true, Login: true, Rights: true},
	} {
		t.Run(name, func(t *testing.T) {
			brokers := realkafka.Start(t, realkafka.Config{Brokers: 3, Together: 3, Security: s})
			list, err := through(t, brokers.Door()).Brokers(limit(t))
			if err != nil {
				t.Fatal(err)
			}
			var addrs []string
			for _, one := range list {
				addrs = append(addrs, one.Addr)
			}
			if !slices.Equal(addrs, brokers.Addrs()) {
				t.Errorf("brokers at %v, want %v", addrs, brokers.Addrs())
			}
			short, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := open(t, brokers.Addrs()).Ping(short); err == nil {
				t.Error("who brings nothing comes in")
			}
		})
	}
}
