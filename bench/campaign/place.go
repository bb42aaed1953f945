package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"

	"betimes/internal/kafka"
)

// place is where the topics of a run are.
type place struct {
	what  string // for the table
	seeds []string
	count int // of brokers
	kill  func(id int)
	start func(id int) error // one that was killed; both nil: the brokers are not ours, or one process
	close func()
}

// The values of -on.
const (
	onEmbedded = "embedded"
	onReal     = "real"
	onBoth     = "both"
)

// everywhere runs one campaign on the brokers that -on and SEEDS name.
func (o options) everywhere(ctx context.Context, n needs, run func(ctx context.Context, at *place) error) error {
	for _, open := range o.places(n) {
		at, err := open(ctx)
		if err != nil {
			return err
		}
		o.progress("on %s", at.what)
		err = run(ctx, at)
		at.close()
		if err != nil {
			return fmt.Errorf("on %s: %w", at.what, err)
		}
	}
	return nil
}

// needs is what a campaign wants of brokers that it starts.
type needs struct {
	brokers    int
	properties map[string]string // of real ones
	kafkas     bool              // real ones keep Kafka's own times
}

type opening func(context.Context) (*place, error)

func (o options) places(n needs) []opening {
	if o.seeds != "" {
		return []opening{o.given}
	}
	embedded := func(ctx context.Context) (*place, error) { return o.embedded(ctx, n.brokers) }
	real := func(context.Context) (*place, error) { return startReal(n) }
	switch o.on {
	case onEmbedded:
		return []opening{embedded}
	case onReal:
		return []opening{real}
	}
	return []opening{embedded, real}
}

// embedded starts embedded brokers in a process of their own.
func (o options) embedded(ctx context.Context, count int) (*place, error) {
	g, err := o.ground("brokers")
	if err != nil {
		return nil, err
	}
	g.Brokers = count
	file, err := g.write("brokers.yaml")
	if err != nil {
		return nil, err
	}
	p, err := o.start("broker", file)
	if err != nil {
		return nil, err
	}
	if _, err := p.await(ctx); err != nil {
		p.clear()
		return nil, err
	}
	return &place{what: "embedded", seeds: g.Seeds[:count], count: count, close: p.clear}, nil
}

// given are the brokers of SEEDS, which must be empty of our topics.
func (o options) given(ctx context.Context) (*place, error) {
	at := &place{what: cmp.Or(os.Getenv("SEEDS_NAME"), "SEEDS"), seeds: strings.Split(o.seeds, ","), close: func() {}}
	cluster, err := at.open()
	if err != nil {
		return nil, err
	}
	defer cluster.Close()
	list, err := cluster.Brokers(ctx)
	at.count = len(list)
	return at, err
}

// open is this process's own way to the brokers.
func (at *place) open() (*kafka.Cluster, error) {
	cfg := kafka.DefaultConfig()
	cfg.Seeds = at.seeds
	return kafka.Open(cfg, kafka.Deps{Pipeline: "campaign"})
}
