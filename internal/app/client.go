package app

import (
	"context"
	"fmt"
	"log/slog"

	"betimes/internal/config"
	"betimes/internal/kafka"
	"betimes/internal/lab/loadgen"
	"betimes/internal/sagemaker"
)

// Client is how a command reaches the pipeline of a file that runs elsewhere.
type Client struct {
	Config    config.Config
	Addresses Addresses // of the running process of this data_dir; empty when there is none
	log       *slog.Logger
	closers   []func()
}

// NewClient looks for the process that runs the file.
func NewClient(loaded *config.Loaded, log *slog.Logger) *Client {
	return &Client{Config: loaded.Config, log: log, Addresses: findFor(loaded.File, loaded.Config.DataDir)}
}

// Close gives back what was opened.
func (c *Client) Close() {
	for _, f := range c.closers {
		f()
	}
}

// Cluster opens the way to the brokers: those of the running process, or the file's.
func (c *Client) Cluster(what string) (*kafka.Cluster, error) {
	cfg := c.Config.Kafka
	switch {
	case len(c.Addresses.Kafka) > 0:
		cfg.Seeds = c.Addresses.Kafka
	case len(cfg.Seeds) == 0:
		return nil, fmt.Errorf("the embedded brokers of %s do not run; start `betimes up` with this file first", c.Config.Name)
	}
	deps := kafka.Deps{Log: c.log, Pipeline: c.Config.Name, Instance: what}
	if signs(cfg) {
		account, err := sagemaker.NewAccount(context.Background(), c.Config.AWS, sagemaker.Deps{Log: c.log}) // nothing is called yet
		if err != nil {
			return nil, fmt.Errorf("aws: %w", err)
		}
		deps.AWS = keysOf(account)
	}
	cluster, err := kafka.Open(cfg, deps)
	if err == nil {
		c.closers = append(c.closers, cluster.Close)
	}
	return cluster, err
}

// Gateway is the address that events are sent to.
func (c *Client) Gateway() string {
	if c.Addresses.Gateway != "" {
		return c.Addresses.Gateway
	}
	return c.Config.Flow.Gateway.Listen
}

// LoadTopics are where a load looks for its events.
func LoadTopics(cfg config.Config) loadgen.Topics {
	t := cfg.Kafka.Topics
	return loadgen.Topics{Predictions: t.Predictions.Name, DeadLetters: t.DeadLetters.Name, Quarantine: t.Quarantine.Name, Shed: t.Shed.Name, Parked: parkedTopic(cfg)}
}

// RunLoad sends a load through the gateway or straight to the brokers and
// follows every event to its end.
func (c *Client) RunLoad(ctx context.Context, load loadgen.Config, through, ledger string, progress func(loadgen.Progress)) (loadgen.Report, error) {
	cluster, err := c.Cluster("load")
	if err != nil {
		return loadgen.Report{}, err
	}
	topics := LoadTopics(c.Config)
	tail, err := cluster.NewTail(ctx, kafka.TailConfig{Topics: topics.All(), From: kafka.TailEnd()})
	if err != nil {
		return loadgen.Report{}, fmt.Errorf("read what becomes of the events: %w", err)
	}
	defer tail.Close()
	sender, done, err := c.sender(cluster, through)
	if err != nil {
		return loadgen.Report{}, err
	}
	defer done()
	deps := loadgen.Deps{Sender: sender, Tail: tail, Topics: topics, Through: through, Progress: progress}
	if ledger == "" {
		return loadgen.Run(ctx, load, deps)
	}
	return c.runRecorded(ctx, load, deps, ledger)
}

func (c *Client) sender(cluster *kafka.Cluster, through string) (loadgen.Sender, func(), error) {
	if through == "kafka" {
		producer, err := cluster.NewProducer("load")
		if err != nil {
			return nil, nil, err
		}
		return loadgen.NewBrokers(producer, c.Config.Kafka.Topics.Events.Name), producer.Close, nil
	}
	token := ""
	if tokens := c.Config.Flow.Gateway.Tokens; len(tokens) > 0 {
		var err error
		if token, err = tokens[0].Token.Value(); err != nil {
			return nil, nil, fmt.Errorf("flow.gateway.tokens.0.token: %w", err)
		}
	}
	trust, err := c.Config.Flow.Gateway.TLS.Client()
	if err != nil {
		return nil, nil, fmt.Errorf("flow.gateway.%w", err)
	}
	gateway, err := loadgen.NewGateway(scheme(trust != nil)+c.Gateway(), token)
	if err != nil {
		return nil, nil, err
	}
	gateway.Trust(trust)
	return gateway, gateway.Close, nil
}

// scheme begins the URL of a listener.
func scheme(encrypted bool) string {
	if encrypted {
		return "https://"
	}
	return "http://"
}
