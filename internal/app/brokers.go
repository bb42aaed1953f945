package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"betimes/internal/config"
	"betimes/internal/kafka"
	"betimes/internal/lab/broker"
	"betimes/internal/sagemaker"
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
	deps := kafka.Deps{Log: a.log, Registerer: a.metrics, Pipeline: a.config.Name, Instance: role}
	if signs(cfg) {
		account, err := a.openAccount(context.Background()) // nothing is called yet
		if err != nil {
			return nil, err
		}
		deps.AWS = keysOf(account)
	}
	c, err := kafka.Open(cfg, deps)
	if err != nil {
		return nil, err
	}
	a.close(c.Close)
	a.clusters[role] = c
	return c, nil
}

// signs says whether the brokers are Amazon MSK's, and want to know who calls.
func signs(cfg kafka.Config) bool {
	return cfg.SASL != nil && cfg.SASL.Mechanism == kafka.MechanismMSK
}

// keysOf hands the credentials of AWS from one door to another.
func keysOf(account *sagemaker.Account) func(context.Context) (kafka.AWSKeys, error) {
	return func(ctx context.Context) (kafka.AWSKeys, error) {
		c, err := account.Credentials(ctx)
		return kafka.AWSKeys{AccessKey: c.AccessKey, SecretKey: c.Secret, SessionToken: c.Token}, err
	}
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
	specs := topicSpecs(a.config)
	create := a.seeds != nil
	if set := a.config.Kafka.CreateTopics; set != nil {
		create = *set
	}
	err = c.EnsureTopics(ctx, specs, create)
	var refused *kafka.LoginError
	if err == nil || errors.As(err, &refused) {
		return err
	}
	if c.Ping(ctx) != nil {
		return fmt.Errorf("kafka.seeds: no broker answers; check the addresses, kafka.tls and kafka.sasl: %w", err)
	}
	return fmt.Errorf("kafka.topics: %w", err)
}

// topicSpecs are the topics that the pipeline of a file has.
func topicSpecs(c config.Config) []kafka.TopicSpec {
	return slices.DeleteFunc(kafka.TopicSpecs(c.Kafka, c.Name), func(t kafka.TopicSpec) bool {
		return t.Name == c.Kafka.Topics.Parked.Name && parkedTopic(c) == ""
	})
}
