package broker

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

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
	log    *slog.Logger
	fake   *kfake.Cluster
	home   *home
	addrs  []string
	noted  ends
	noting sync.Mutex // noted is one goroutine's at a time

	cleaner  *cleaner
	cleaning sync.Mutex // cleaner is one goroutine's at a time

	stop    context.CancelFunc // of what runs
	running sync.WaitGroup     // notes ends, cleans
	close   sync.Once
}

// New starts the brokers; clients may connect when it returns.
func New(cfg Config, deps Deps) (*Cluster, error) {
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	home, err := openHome(deps.Dir)
	if err != nil {
		return nil, err
	}
	doors, err := openDoors(cfg, home.Ports)
	if err != nil {
		return nil, err
	}
	home.Brokers, home.Ports, home.Running = cfg.Brokers, doors.ports(), true
	if err := home.save(); err != nil {
		doors.close()
		return nil, err
	}
	fake, err := kfake.NewCluster(options(cfg, home, doors, deps.Log)...)
	if err != nil {
		doors.close()
		return nil, fmt.Errorf("embedded brokers in %s: %w", deps.Dir, err)
	}
	readCommitted(fake, home.records())
	ctx, cancel := context.WithCancel(context.Background())
	c := &Cluster{log: deps.Log, fake: fake, home: home, addrs: doors.addrs(), stop: cancel}
	c.cleaner = newCleaner(fake, home)
	c.running.Go(func() { c.noteEnds(ctx) })
	c.running.Go(func() { c.cleanAgain(ctx) })
	deps.Log.Info("embedded brokers listen", "addresses", c.addrs, "dir", deps.Dir)
	return c, nil
}

const (
	segmentBytes       = 16 * setting.MiB // nothing smaller than a segment leaves the disk
	minSessionTimeout  = time.Second      // Kafka's 6 s are long for trying things on one machine
	shareSession       = 10 * time.Second // a share group's member that is killed is missed; groups cannot set it here
	shareDeliveries    = "10"             // the most that a share group may ask for in Kafka; here groups cannot
	heartbeatInterval  = time.Second      // KIP-848 members ask for changes this often
	autoTopicPartition = 1
)

func options(cfg Config, home *home, doors *doors, log *slog.Logger) []kfake.Opt {
	return []kfake.Opt{
		kfake.NumBrokers(cfg.Brokers),
		kfake.ListenFn(doors.next),
		kfake.ClusterID(home.ClusterID),
		kfake.DataDir(home.records()),
		kfake.MaxVersions(versions()),
		kfake.DefaultNumPartitions(autoTopicPartition),
		kfake.AllowAutoTopicCreation(),
		kfake.GroupMinSessionTimeout(minSessionTimeout),
		kfake.WithLogger(brokerLog{log}),
		kfake.BrokerConfigs(map[string]string{
			"log.cleaner.backoff.ms":               milliseconds(never),
			"log.segment.bytes":                    strconv.FormatInt(int64(segmentBytes), 10),
			"group.consumer.heartbeat.interval.ms": milliseconds(heartbeatInterval),
			"group.share.heartbeat.interval.ms":    milliseconds(heartbeatInterval),
			"group.share.session.timeout.ms":       milliseconds(shareSession),
			"group.share.delivery.count.limit":     shareDeliveries,
		}),
	}
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

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
func (c *Cluster) Addrs() []string { return slices.Clone(c.addrs) }

// Run keeps the brokers until ctx ends, then closes them.
func (c *Cluster) Run(ctx context.Context) error {
	<-ctx.Done()
	c.Close()
	return nil
}

// Close stops the brokers and writes what they remember to disk.
func (c *Cluster) Close() { c.close.Do(c.shut) }

func (c *Cluster) shut() {
	c.stop()
	c.running.Wait()
	if err := c.saveEnds(); err != nil {
		c.log.Warn("ends of partitions are not noted", "error", err)
	}
	c.fake.Close()
	c.home.Running = false
	if err := c.home.save(); err != nil {
		c.log.Warn("brokers' folder is not marked as closed", "error", err)
	}
}
