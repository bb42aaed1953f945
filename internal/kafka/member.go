package kafka

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// MemberConfig is one member of a consumer group.
type MemberConfig struct {
	Group          string
	Topics         []string
	Protocol       string        // ProtocolAuto, ProtocolClassic, ProtocolEager or ProtocolConsumer
	StaticID       string        // stable name of this member; empty: dynamic
	SessionTimeout time.Duration // how long a silent member keeps its partitions; zero: 10s
	From           string        // earliest, latest or RFC 3339: where to begin without committed offsets
	Exact          bool          // nothing may be done again: no partition begins before the notes of its commits are known

	// Assigned is told partitions and the next offset to read of each: the
	// committed one, or where From says. Their events come afterwards.
	Assigned func(parts map[Partition]int64)
	// Revoked is told partitions before they are given up: finish and commit
	// inside. When they are lost already, ctx is done and commits fail.
	Revoked func(ctx context.Context, parts []Partition)
	// Problem is told of a *HaltError: that partition brings no events until it
	// is assigned anew. It is called inside Poll.
	Problem func(error)
}

const (
	defaultSessionTimeout = 10 * time.Second
	heartbeatsPerSession  = 10
	minRebalanceTimeout   = 10 * time.Second // the library's 60 s lets one crashed member stop a group for a minute
)

// Member is one member of a consumer group. Assigned, Revoked and Poll's take
// never run at the same time, and none before the first Poll. One goroutine
// polls; the rest may be called by any.
type Member struct {
	cfg     MemberConfig
	cluster *Cluster
	client  *kgo.Client
	from    start
	nextGen bool               // KIP-848 was asked for
	hangUp  context.CancelFunc // ends every request of client

	begun     chan struct{} // closed by the first Poll
	beginOnce sync.Once
	turn      sync.Mutex // held while one of the callbacks runs

	mu          sync.Mutex
	assignments uint64               // so many partitions were assigned until now
	owned       map[Partition]uint64 // Assigned was told, and with which of the assignments
	halted      map[Partition]bool
	replaced    bool                 // another process has this member's name
	notes       map[Partition]string // of the commits, when partitions were last assigned
	highest     map[Partition]int64  // high watermark of the newest fetch
}

// NewMember joins a group. It returns before partitions are assigned.
func (c *Cluster) NewMember(cfg MemberConfig) (*Member, error) {
	if cfg.SessionTimeout == 0 {
		cfg.SessionTimeout = defaultSessionTimeout
	}
	from, err := parseStart(cfg.From)
	if err != nil {
		return nil, err
	}
	m := &Member{
		cfg: cfg, cluster: c, from: from, begun: make(chan struct{}),
		nextGen: cfg.nextGen(),
		owned:   make(map[Partition]uint64), halted: make(map[Partition]bool), notes: make(map[Partition]string), highest: make(map[Partition]int64),
	}
	if m.nextGen {
		c.setSession(cfg.Group, "consumer", cfg.SessionTimeout)
	}
	for _, topic := range cfg.Topics {
		c.metrics.halted.WithLabelValues(topic) // 0 until a partition stops
	}
	ctx, hangUp := context.WithCancel(context.Background())
	m.hangUp = hangUp
	if m.client, err = c.newClient("member", append(m.options(), kgo.WithContext(ctx))...); err != nil {
		hangUp()
		return nil, err
	}
	return m, nil
}

func (m *Member) options() []kgo.Opt {
	opts := append(readOptions(),
		kgo.ConsumerGroup(m.cfg.Group),
		kgo.ConsumeTopics(m.cfg.Topics...),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), // assigned puts From in its place
		kgo.SessionTimeout(m.cfg.SessionTimeout),
		kgo.HeartbeatInterval(m.cfg.SessionTimeout/heartbeatsPerSession),
		kgo.RebalanceTimeout(max(m.cfg.SessionTimeout, minRebalanceTimeout)),
		kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(),
		kgo.Balancers(m.cfg.balancers()...),
		kgo.AdjustFetchOffsetsFn(m.assigned),
		kgo.OnPartitionsRevoked(m.revoked),
		kgo.OnPartitionsLost(m.lost),
		kgo.MaxVersions(namingCommits()),
	)
	if m.cfg.StaticID != "" {
		opts = append(opts, kgo.InstanceID(m.cfg.StaticID))
	}
	if m.nextGen {
		opts = append(opts, kgo.ServerSideBalancer()) // falls back to classic where the broker has no KIP-848
	}
	return opts
}

// namingCommits are the versions of requests that the library knows, but for
// commits by the ids of topics: ours name them.
func namingCommits() *kversion.Versions {
	const last = 9
	v := kversion.Stable()
	v.SetMaxKeyVersion(kmsg.OffsetCommit.Int16(), last)
	return v
}

// Pause stops fetching partitions; what was fetched before may still come.
func (m *Member) Pause(parts ...Partition) { m.client.PauseFetchPartitions(byTopic(parts)) }

// Resume fetches paused partitions again, except halted ones.
func (m *Member) Resume(parts ...Partition) {
	m.mu.Lock()
	going := make([]Partition, 0, len(parts))
	for _, p := range parts {
		if !m.halted[p] {
			going = append(going, p)
		}
	}
	m.mu.Unlock()
	m.client.ResumeFetchPartitions(byTopic(going))
}

func byTopic(parts []Partition) map[string][]int32 {
	out := make(map[string][]int32)
	for _, p := range parts {
		out[p.Topic] = append(out[p.Topic], p.Number)
	}
	return out
}

// HighWatermark is one after the newest record, as of the newest fetch.
func (m *Member) HighWatermark(p Partition) (int64, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	o, ok := m.highest[p]
	return o, ok
}
