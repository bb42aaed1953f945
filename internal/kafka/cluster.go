package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Deps are the collaborators of a Cluster.
type Deps struct {
	Log        *slog.Logger
	Registerer prometheus.Registerer // nil: no metrics
	Pipeline   string
	Instance   string // for example stream-0; part of every client id

	AWS func(context.Context) (AWSKeys, error) // gives credentials for aws-msk-iam; nil: there are none
}

// Cluster is one way to one Kafka cluster: brokers to begin with, encryption
// and login. It may be used by many goroutines.
type Cluster struct {
	cfg     Config
	deps    Deps
	common  []kgo.Opt
	client  *kgo.Client // for questions; members, tails and producers have their own
	admin   *kadm.Client
	metrics *metrics
}

// Open makes a Cluster. Nothing is connected yet: brokers that are away are
// noticed by Ping. cfg.Seeds must be set; app sets them for embedded brokers.
func Open(cfg Config, deps Deps) (*Cluster, error) {
	if len(cfg.Seeds) == 0 {
		return nil, errors.New("kafka.seeds: empty; name at least one broker, HOST:PORT")
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	security, err := securityOptions(cfg, deps)
	if err != nil {
		return nil, err
	}
	c := &Cluster{cfg: cfg, deps: deps, metrics: newMetrics(deps.Registerer)}
	c.common = append(c.commonOptions(), security...)
	c.client, err = kgo.NewClient(append(slices.Clip(c.common), kgo.ClientID(c.clientID("ask")))...)
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	c.admin = kadm.NewClient(c.client)
	return c, nil
}

// What every client does. The backoff and the metadata ages decide how fast a
// broker that came back is noticed; the library's defaults (250 ms to 5 s, 5 s)
// are made for clusters that never restart.
const (
	metadataMinAge     = 100 * time.Millisecond
	metadataMaxAge     = 30 * time.Second
	dialTimeout        = 5 * time.Second
	answerTimeout      = 3 * time.Second // beyond what a request itself may take: a broker that is stopped, or whose machine is gone, refuses nothing and says nothing
	retryBackoffMin    = 50 * time.Millisecond
	retryBackoffMax    = time.Second
	maxDecompressBytes = 64 << 20 // one batch; a small batch that unpacks to more is an attack
)

func (c *Cluster) commonOptions() []kgo.Opt {
	opts := []kgo.Opt{
		kgo.SeedBrokers(c.cfg.Seeds...),
		kgo.SoftwareNameAndVersion("betimes", "1"),
		kgo.WithLogger(clientLog{c.deps.Log}),
		kgo.RetryBackoffFn(retryBackoff),
		kgo.MetadataMinAge(metadataMinAge),
		kgo.MetadataMaxAge(metadataMaxAge),
		kgo.DialTimeout(dialTimeout),
		kgo.RequestTimeoutOverhead(answerTimeout),
		kgo.MaxDecompressBatchBytes(maxDecompressBytes),
		kgo.DisableClientMetrics(),
		kgo.AlwaysRetryEOF(), // a broker that was killed
	}
	if c.cfg.Rack != "" {
		opts = append(opts, kgo.Rack(c.cfg.Rack))
	}
	return opts
}

func retryBackoff(fails int) time.Duration {
	return min(retryBackoffMin<<min(max(fails-1, 0), 10), retryBackoffMax)
}

// newClient makes one more client named what.
func (c *Cluster) newClient(what string, opts ...kgo.Opt) (*kgo.Client, error) {
	all := append(slices.Clip(c.common), kgo.ClientID(c.clientID(what)))
	client, err := kgo.NewClient(append(all, opts...)...)
	if err != nil {
		return nil, fmt.Errorf("kafka client %s: %w", c.clientID(what), err)
	}
	return client, nil
}

func (c *Cluster) clientID(what string) string {
	id := cmp.Or(c.cfg.ClientID, c.deps.Pipeline, "betimes")
	for _, part := range []string{c.deps.Instance, what} {
		if part != "" {
			id += "-" + part
		}
	}
	return id
}

// Ping returns nil when brokers answer and know a controller.
func (c *Cluster) Ping(ctx context.Context) error {
	m, err := c.metadata(ctx)
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("kafka %v: connected and hung up on (%w); kafka.tls or kafka.sasl may not be what the brokers want", c.cfg.Seeds, err)
	}
	var refused *LoginError
	if errors.As(err, &refused) {
		return refused
	}
	if err != nil {
		return fmt.Errorf("kafka %v: %w", c.cfg.Seeds, err)
	}
	if len(m.Brokers) == 0 || m.ControllerID < 0 {
		return fmt.Errorf("kafka %v: brokers answer but have no controller yet", c.cfg.Seeds)
	}
	return nil
}

// metadata asks the brokers themselves: the library's own way answers from its
// memory, also when nobody is there any more.
func (c *Cluster) metadata(ctx context.Context) (*kmsg.MetadataResponse, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{} // none; nil would be all
	type answer struct {
		m   *kmsg.MetadataResponse
		err error
	}
	// The library greets a broker before it asks, and waits for the greeting as
	// long as it likes: answerTimeout for a broker that is stopped.
	answered := make(chan answer, 1)
	go func() {
		m, err := req.RequestWith(ctx, c.client)
		answered <- answer{m, err}
	}()
	over, stop := context.WithCancel(context.Background())
	defer stop()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(lastWords, stop) })()
	select {
	case a := <-answered:
		return a.m, c.explained(a.err)
	case <-over.Done():
		return nil, fmt.Errorf("no answer: %w", context.Cause(ctx))
	}
}

// lastWords is how long the library may take to say why there is no answer.
const lastWords = 200 * time.Millisecond

// Broker is one machine of the cluster.
type Broker struct {
	ID         int32
	Addr, Rack string
	Controller bool
}

// Brokers lists the brokers by id.
func (c *Cluster) Brokers(ctx context.Context) ([]Broker, error) {
	m, err := c.metadata(ctx)
	if err != nil {
		return nil, fmt.Errorf("kafka %v: %w", c.cfg.Seeds, err)
	}
	list := make([]Broker, 0, len(m.Brokers))
	for _, b := range m.Brokers {
		one := Broker{ID: b.NodeID, Addr: fmt.Sprintf("%s:%d", b.Host, b.Port), Controller: b.NodeID == m.ControllerID}
		if b.Rack != nil {
			one.Rack = *b.Rack
		}
		list = append(list, one)
	}
	slices.SortFunc(list, func(a, b Broker) int { return cmp.Compare(a.ID, b.ID) })
	return list, nil
}

// Close ends the connections of questions. Producers, members and tails are
// closed by whoever made them.
func (c *Cluster) Close() { c.client.Close() }
