package app

import (
	"context"
	"fmt"
	"time"

	"betimes/internal/kafka"
	"betimes/internal/lab/broker"
)

// buildBrokers starts the embedded brokers: they answer from here on.
func (a *App) buildBrokers(context.Context) error {
	embedded := a.config.Kafka.Embedded
	if embedded == nil {
		return nil
	}
	dir, err := a.folder.sub("broker")
	if err != nil {
		return err
	}
	brokers, err := broker.New(*embedded, broker.Deps{Log: a.log, Dir: dir})
	if err != nil {
		return err
	}
	a.close(brokers.Close)
	a.seeds = brokers.Addrs()
	a.addresses.Kafka = a.seeds
	a.add("brokers", brokers)
	return nil
}

// cluster opens the way to the brokers for one role of this process.
func (a *App) cluster(role string) (*kafka.Cluster, error) {
	if c := a.clusters[role]; c != nil {
		return c, nil
	}
	cfg := a.config.Kafka
	if a.seeds != nil {
		cfg.Seeds = a.seeds
	}
	c, err := kafka.Open(cfg, kafka.Deps{Log: a.log, Registerer: a.metrics, Pipeline: a.config.Name, Instance: role})
	if err != nil {
		return nil, err
	}
	a.close(c.Close)
	a.clusters[role] = c
	return c, nil
}

// topicsTimeout is how long brokers may take to answer at the start.
const topicsTimeout = 30 * time.Second

// buildTopics makes the topics, or checks that they are what the file says.
func (a *App) buildTopics(ctx context.Context) error {
	c, err := a.cluster("topics")
	if err != nil {
		return err
	}
	a.check("broker", c.Ping)
	ctx, cancel := context.WithTimeout(ctx, topicsTimeout)
	defer cancel()
	specs := kafka.TopicSpecs(a.config.Kafka, a.config.Name)
	create := a.seeds != nil
	if set := a.config.Kafka.CreateTopics; set != nil {
		create = *set
	}
	err = c.EnsureTopics(ctx, specs, create)
	if err == nil {
		return nil
	}
	if c.Ping(ctx) != nil {
		return fmt.Errorf("kafka.seeds: no broker answers; check the addresses, kafka.tls and kafka.sasl: %w", err)
	}
	return fmt.Errorf("kafka.topics: %w", err)
}
