package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"betimes/internal/event"
)

// MemberConfig is one member of a consumer group.
type MemberConfig struct {
	Group          string
	Topics         []string
	Protocol       string        // ProtocolAuto, ProtocolClassic or ProtocolConsumer
	StaticID       string        // stable name of this member; empty: dynamic
	SessionTimeout time.Duration // how long a silent member keeps its partitions; zero: 10s
	From           string        // latest, earliest or RFC 3339: where to begin without committed offsets

	// Assigned is told partitions and the next offset to read of each: the
	// committed one, or where From says. Their events come afterwards.
	Assigned func(parts map[Partition]int64)
	// Revoked is told partitions before they are given up: finish and commit
	// inside. When they are lost already, ctx is done and commits fail.
	Revoked func(ctx context.Context, parts []Partition)
	// Problem is told of a *HaltError: that partition brings no events until it
	// is assigned anew.
	Problem func(error)
}

// The values of MemberConfig.Protocol.
const (
	ProtocolAuto     = "auto"
	ProtocolClassic  = "classic"
	ProtocolConsumer = "consumer"
)

// Member is one member of a consumer group. Assigned, Revoked and take never
// run at the same time.
type Member struct {
	cfg     MemberConfig
	cluster *Cluster
	client  *kgo.Client
	start   kgo.Offset

	turn sync.Mutex // held while one of the callbacks runs

	mu      sync.Mutex
	owned   map[Partition]bool // Assigned was told
	halted  map[Partition]bool
	highest map[Partition]int64 // high watermark of the newest fetch
}

// NewMember joins a group. It returns before partitions are assigned.
func (c *Cluster) NewMember(cfg MemberConfig) (*Member, error) {
	if cfg.SessionTimeout == 0 {
		cfg.SessionTimeout = 10 * time.Second
	}
	start, err := startOffset(cfg.From)
	if err != nil {
		return nil, err
	}
	m := &Member{
		cfg: cfg, cluster: c, start: start,
		owned: make(map[Partition]bool), halted: make(map[Partition]bool), highest: make(map[Partition]int64),
	}
	opts, err := m.options()
	if err != nil {
		return nil, err
	}
	m.client, err = c.newClient("member", opts...)
	if err != nil {
		return nil, err
	}
	return m, nil
}

func startOffset(from string) (kgo.Offset, error) {
	switch from {
	case "", "earliest":
		return kgo.NewOffset().AtStart(), nil
	case "latest":
		return kgo.NewOffset().AtEnd(), nil
	}
	at, err := time.Parse(time.RFC3339, from)
	if err != nil {
		return kgo.Offset{}, fmt.Errorf("from: %q is neither earliest nor latest nor a time such as 2026-01-31T12:00:00Z", from)
	}
	return kgo.NewOffset().AfterMilli(at.UnixMilli()), nil
}

func (m *Member) options() ([]kgo.Opt, error) {
	opts := append(readOptions(),
		kgo.ConsumerGroup(m.cfg.Group),
		kgo.ConsumeTopics(m.cfg.Topics...),
		kgo.ConsumeStartOffset(m.start),
		kgo.SessionTimeout(m.cfg.SessionTimeout),
		kgo.HeartbeatInterval(m.cfg.SessionTimeout/10),
		kgo.RebalanceTimeout(max(m.cfg.SessionTimeout, 10*time.Second)),
		kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.AdjustFetchOffsetsFn(m.assigned),
		kgo.OnPartitionsRevoked(m.revoked),
		kgo.OnPartitionsLost(m.lost),
	)
	if m.cfg.StaticID != "" {
		opts = append(opts, kgo.InstanceID(m.cfg.StaticID))
	}
	if m.cfg.Protocol == ProtocolConsumer {
		opts = append(opts, kgo.ServerSideBalancer())
	}
	return opts, nil
}

// assigned makes every start an exact offset and tells the room.
func (m *Member) assigned(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	parts := make(map[Partition]int64)
	for topic, ps := range offsets {
		for n, o := range ps {
			parts[Partition{topic, n}] = o.EpochOffset().Offset
		}
	}
	m.turn.Lock()
	defer m.turn.Unlock()
	m.mu.Lock()
	for p := range parts {
		m.owned[p] = true
		delete(m.halted, p)
	}
	m.mu.Unlock()
	if m.cfg.Assigned != nil {
		m.cfg.Assigned(parts)
	}
	return offsets, ctx.Err()
}

func (m *Member) revoked(ctx context.Context, _ *kgo.Client, parts map[string][]int32) {
	m.giveUp(ctx, parts)
}

func (m *Member) lost(ctx context.Context, _ *kgo.Client, parts map[string][]int32) {
	done, cancel := context.WithCancel(ctx)
	cancel()
	m.giveUp(done, parts)
}

func (m *Member) giveUp(ctx context.Context, parts map[string][]int32) {
	m.turn.Lock()
	defer m.turn.Unlock()
	var told []Partition
	m.mu.Lock()
	for topic, ns := range parts {
		for _, n := range ns {
			p := Partition{topic, n}
			if m.owned[p] {
				told = append(told, p)
			}
			delete(m.owned, p)
			delete(m.halted, p)
			delete(m.highest, p)
		}
	}
	m.mu.Unlock()
	if len(told) > 0 && m.cfg.Revoked != nil {
		m.cfg.Revoked(ctx, told)
	}
}

// Poll waits for one fetch and gives its events to take, in order within each
// partition, before any rebalance goes on. It returns an error only when the
// member cannot go on, or ctx is done.
func (m *Member) Poll(ctx context.Context, take func([]*event.Event)) error {
	fetches := m.client.PollRecords(ctx, pollRecords)
	defer m.client.AllowRebalance()
	if fetches.IsClientClosed() {
		return kgo.ErrClientClosed
	}
	events := make([]*event.Event, 0, fetches.NumRecords())
	now := time.Now()
	var fatal error
	fetches.EachPartition(func(fp kgo.FetchTopicPartition) {
		p := Partition{fp.Topic, fp.Partition}
		if fp.Err != nil {
			fatal = errors.Join(fatal, m.failed(ctx, p, fp.Err))
		}
		if len(fp.Records) == 0 {
			return
		}
		m.mu.Lock()
		m.highest[p] = fp.HighWatermark
		m.mu.Unlock()
		for _, r := range fp.Records {
			events = append(events, newEvent(r, now))
		}
	})
	if len(events) > 0 {
		m.turn.Lock()
		take(events)
		m.turn.Unlock()
	}
	return errors.Join(fatal, ctx.Err())
}

// failed sorts an error of one partition: it halts it, ends the member, or passes by itself.
func (m *Member) failed(ctx context.Context, p Partition, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	if halts(err) {
		m.halt(p, err)
		return nil
	}
	m.cluster.deps.Log.Warn("fetch failed", "topic", p.Topic, "partition", p.Number, "error", err)
	return nil
}

func (m *Member) halt(p Partition, err error) {
	m.mu.Lock()
	known := m.halted[p]
	m.halted[p] = true
	m.mu.Unlock()
	if known {
		return
	}
	m.Pause(p)
	m.cluster.metrics.halted.WithLabelValues(p.Topic).Inc()
	if m.cfg.Problem != nil {
		m.cfg.Problem(&HaltError{p, err})
	}
}

// Commit says that everything below next is finished, and waits for the answer.
func (m *Member) Commit(ctx context.Context, next map[Partition]int64) error {
	offsets := make(map[string]map[int32]kgo.EpochOffset)
	for p, o := range next {
		if offsets[p.Topic] == nil {
			offsets[p.Topic] = make(map[int32]kgo.EpochOffset)
		}
		offsets[p.Topic][p.Number] = kgo.EpochOffset{Epoch: -1, Offset: o}
	}
	return m.commit(ctx, offsets)
}

// Pause stops fetching partitions; what was fetched before may still come.
func (m *Member) Pause(parts ...Partition) { m.client.PauseFetchPartitions(byTopic(parts)) }

// Resume fetches paused partitions again, except halted ones.
func (m *Member) Resume(parts ...Partition) {
	m.mu.Lock()
	var going []Partition
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

// Leave gives the partitions up, Revoked being called, leaves the group, also
// as a static member, and closes.
func (m *Member) Leave(ctx context.Context) error {
	err := m.client.LeaveGroupContext(ctx)
	m.client.Close()
	return err
}
