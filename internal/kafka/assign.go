package kafka

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"betimes/internal/failpoint"
)

// start is where to begin without committed offsets.
type start struct {
	latest bool
	at     time.Time // zero: earliest, or latest
}

func parseStart(from string) (start, error) {
	switch from {
	case "", "earliest":
		return start{}, nil
	case "latest":
		return start{latest: true}, nil
	}
	at, err := time.Parse(time.RFC3339, from)
	if err != nil {
		return start{}, fmt.Errorf("from: %q is neither earliest nor latest nor a time such as 2026-01-31T12:00:00Z", from)
	}
	return start{at: at}, nil
}

// lister gives how to ask for the offsets that start means.
func (s start) lister(c *Cluster) lister {
	switch {
	case s.latest:
		return c.admin.ListEndOffsets
	case !s.at.IsZero():
		return c.after(s.at)
	}
	return c.admin.ListStartOffsets
}

// unset is what the library gives for a partition without committed offset: the log's start.
const unset = -2

// assigned makes every start an exact offset and tells the room. An error lets
// the library ask for the offsets again.
func (m *Member) assigned(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	select {
	case <-m.begun:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	begun, err := m.begin(ctx, offsets)
	if err != nil {
		return nil, err
	}
	if len(begun) > 0 && m.from != (start{}) {
		m.keepStart(ctx, begun)
	}
	failpoint.Reach("kafka.assign.offsets") // where to begin is known, the notes are not
	if err := m.readNotes(ctx, offsets); err != nil {
		return nil, err
	}
	failpoint.Reach("kafka.assign.notes") // the notes are known, the room is not told
	m.turn.Lock()
	defer m.turn.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err // given up meanwhile
	}
	if parts := m.take(offsets); len(parts) > 0 && m.cfg.Assigned != nil {
		m.cfg.Assigned(parts)
		failpoint.Reach("kafka.assign.told") // the room knows its partitions, fetching has not begun
	}
	return offsets, nil
}

// begin replaces unset offsets and returns them.
func (m *Member) begin(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[Partition]int64, error) {
	begun := make(map[Partition]int64)
	var topics []string
	for topic, ps := range offsets {
		before := len(begun)
		for n, o := range ps {
			if o.EpochOffset().Offset == unset {
				begun[Partition{topic, n}] = 0
			}
		}
		if len(begun) > before {
			topics = append(topics, topic)
		}
	}
	if len(begun) == 0 {
		return nil, nil
	}
	listed, err := m.cluster.list(ctx, topics, nil, m.from.lister(m.cluster))
	if err != nil {
		return nil, err
	}
	for p := range begun {
		o, ok := listed[p]
		if !ok {
			return nil, fmt.Errorf("where to begin in %s: %w", p, kerr.UnknownTopicOrPartition)
		}
		begun[p] = o
		offsets[p.Topic][p.Number] = kgo.NewOffset().At(o)
	}
	return begun, nil
}

// take notes the partitions as owned and returns those not told before.
func (m *Member) take(offsets map[string]map[int32]kgo.Offset) map[Partition]int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	parts := make(map[Partition]int64)
	for topic, ps := range offsets {
		for n, o := range ps {
			p := Partition{topic, n}
			if m.owned[p] == 0 {
				m.assignments++
				m.owned[p] = m.assignments
				parts[p] = o.EpochOffset().Offset
			}
		}
	}
	return parts
}

// keepStart commits where latest or a time began, so that what arrives before
// the first commit is not skipped after a crash.
func (m *Member) keepStart(ctx context.Context, begun map[Partition]int64) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	failpoint.Reach("kafka.start.before")   // where latest begins is known, not committed
	err := m.commitAs(ctx, nil, begun, nil) // the room does not hold them yet
	if err != nil {
		m.cluster.deps.Log.Warn("start is not committed", "group", m.cfg.Group, "error", err)
	}
}

func (m *Member) revoked(ctx context.Context, _ *kgo.Client, parts map[string][]int32) {
	m.giveUp(ctx, parts)
}

func (m *Member) lost(ctx context.Context, _ *kgo.Client, parts map[string][]int32) {
	done, cancel := context.WithCancel(ctx)
	cancel()
	m.giveUp(done, parts)
}

// giveUp tells the room, and forgets the partitions once it has returned: until
// then it commits what it has finished, and nothing any more afterwards.
func (m *Member) giveUp(ctx context.Context, parts map[string][]int32) {
	m.turn.Lock()
	defer m.turn.Unlock()
	var told, paused []Partition
	m.mu.Lock()
	for topic, ns := range parts {
		for _, n := range ns {
			p := Partition{topic, n}
			if m.owned[p] != 0 {
				told = append(told, p)
			}
			if m.halted[p] {
				paused = append(paused, p)
			}
			delete(m.halted, p)
			delete(m.highest, p)
		}
	}
	m.mu.Unlock()
	if len(paused) > 0 {
		m.client.ResumeFetchPartitions(byTopic(paused)) // pauses outlive an assignment in the library
	}
	if len(told) > 0 && m.cfg.Revoked != nil {
		failpoint.Reach("kafka.revoke.before") // partitions are to go, the room not told
		m.cfg.Revoked(ctx, told)
		failpoint.Reach("kafka.revoke.after") // the room has given up, the group not told
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range told {
		delete(m.owned, p)
	}
}
