package broker

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kversion"

	"betimes/internal/kafka"
	"betimes/internal/setting"
)

// Config is the section kafka.embedded.
type Config = kafka.EmbeddedConfig

// Deps are the collaborators of a Cluster.
type Deps struct {
	Log *slog.Logger
	Dir string // where the brokers keep everything; one Cluster at a time, the caller locks it
}

// Cluster is a running set of brokers.
type Cluster struct {
	fake  *kfake.Cluster
	addrs []string
	close sync.Once
}

// cleanEvery is how often old segments are removed, in milliseconds.
const cleanEvery = 30_000

// New starts the brokers; clients may connect when it returns.
func New(cfg Config, deps Deps) (*Cluster, error) {
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	home, err := openHome(deps.Dir, cfg)
	if err != nil {
		return nil, err
	}
	doors, err := listen(cfg, home.Ports)
	if err != nil {
		return nil, err
	}
	fake, err := kfake.NewCluster(
		kfake.NumBrokers(cfg.Brokers),
		kfake.ListenFn(doors.next),
		kfake.ClusterID(home.ClusterID),
		kfake.DataDir(home.records()),
		kfake.MaxVersions(versions()),
		kfake.DefaultNumPartitions(1),
		kfake.AllowAutoTopicCreation(),
		kfake.WithLogger(brokerLog{deps.Log}),
		kfake.BrokerConfigs(map[string]string{
			"log.cleaner.backoff.ms":                   strconv.Itoa(cleanEvery),
			"log.segment.bytes":                        strconv.FormatInt(int64(16*setting.MiB), 10),
			"group.consumer.heartbeat.interval.ms":     "1000",
			"group.consumer.min.session.timeout.ms":    "1000",
			"group.consumer.min.heartbeat.interval.ms": "100",
		}),
	)
	if err != nil {
		doors.close()
		return nil, fmt.Errorf("embedded brokers in %s: %w", deps.Dir, err)
	}
	c := &Cluster{fake: fake, addrs: doors.addrs()}
	home.Ports = doors.ports()
	if err := home.save(); err != nil {
		c.Close()
		return nil, err
	}
	deps.Log.Info("embedded brokers listen", "addresses", c.addrs, "dir", deps.Dir)
	return c, nil
}

// versions caps what Java's clients 4.x cannot read in this kfake's answers:
// CreateTopics with configs, DescribeTopicPartitions, and ListGroups by type.
func versions() *kversion.Versions {
	v := kversion.Stable()
	v.SetMaxKeyVersion(19, 4)
	v.SetMaxKeyVersion(75, -1)
	v.SetMaxKeyVersion(16, 4)
	return v
}

// Addrs returns the brokers' addresses, HOST:PORT, the first broker first.
func (c *Cluster) Addrs() []string { return append([]string(nil), c.addrs...) }

// Run keeps the brokers until ctx ends, then closes them.
func (c *Cluster) Run(ctx context.Context) error {
	<-ctx.Done()
	c.Close()
	return nil
}

// Close stops the brokers and writes what they remember to disk.
func (c *Cluster) Close() { c.close.Do(c.fake.Close) }
