package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"betimes/internal/event"
	"betimes/internal/failpoint"
)

// Poll waits for one fetch and gives its events to take, in order within each
// partition, before any rebalance goes on; take must be quick. An error means
// that the member cannot go on (it lacks a right, another process has its
// name), or that ctx is done. Everything else is tried again by itself.
func (m *Member) Poll(ctx context.Context, take func([]*event.Event)) error {
	m.beginOnce.Do(func() { close(m.begun) })
	fetches := m.client.PollRecords(ctx, pollRecords)
	defer m.client.AllowRebalance()
	failpoint.Reach("kafka.poll.fetched") // fetched, the room not told
	if fetches.IsClientClosed() {
		return fmt.Errorf("group %s: %w", m.cfg.Group, kgo.ErrClientClosed)
	}
	var fatal error
	events := make([]*event.Event, 0, fetches.NumRecords())
	now := time.Now()
	fetches.EachPartition(func(fp kgo.FetchTopicPartition) {
		p := Partition{fp.Topic, fp.Partition}
		if fp.Err != nil && ctx.Err() == nil {
			fatal = errors.Join(fatal, m.failed(ctx, p, fp.Err))
		}
		if len(fp.Records) > 0 && m.sees(p, fp.HighWatermark) {
			for _, r := range fp.Records {
				events = append(events, newEvent(r, now))
			}
		}
	})
	if len(events) > 0 {
		m.turn.Lock()
		take(events)
		m.turn.Unlock()
		failpoint.Reach("kafka.poll.taken") // the room has them, a rebalance may go on
	}
	return errors.Join(fatal, ctx.Err())
}

// sees notes the high watermark; it says no for a halted partition.
func (m *Member) sees(p Partition, high int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.highest[p] = high
	return !m.halted[p]
}

// final are the errors of a group that time does not mend.
var final = []error{
	kerr.FencedInstanceID, kerr.GroupAuthorizationFailed, kerr.TopicAuthorizationFailed, kerr.ClusterAuthorizationFailed,
	kerr.SaslAuthenticationFailed, kerr.InvalidSessionTimeout, kerr.InconsistentGroupProtocol, kerr.InvalidGroupID,
	kerr.GroupMaxSizeReached, kerr.UnsupportedAssignor, kerr.InvalidTopicException,
}

// failed sorts an error: it halts the partition, ends the member, or passes by itself.
func (m *Member) failed(ctx context.Context, p Partition, err error) error {
	if halts(err) {
		m.halt(ctx, p, err)
		return nil
	}
	if errors.Is(err, kerr.FencedInstanceID) {
		m.mu.Lock()
		m.replaced = true
		m.mu.Unlock()
		return fmt.Errorf("group %s: %w (%w)", m.cfg.Group, ErrFenced, err)
	}
	for _, f := range final {
		if errors.Is(err, f) {
			return fmt.Errorf("group %s: %w", m.cfg.Group, m.strange(m.cluster.explained(err)))
		}
	}
	m.cluster.deps.Log.Warn("fetch failed and is tried again", "group", m.cfg.Group, "topic", p.Topic, "partition", p.Number, "error", err)
	return nil
}

// Halt stops a partition until it is assigned anew: no more events of it come,
// and Resume has no say.
func (m *Member) Halt(p Partition) {
	if m.stop(p) {
		m.cluster.metrics.halted.WithLabelValues(p.Topic).Inc()
	}
}

// stop says no when the partition was halted before.
func (m *Member) stop(p Partition) bool {
	m.mu.Lock()
	known := m.halted[p]
	m.halted[p] = true
	m.mu.Unlock()
	if !known {
		m.Pause(p)
	}
	return !known
}

func (m *Member) halt(ctx context.Context, p Partition, err error) {
	if !m.stop(p) {
		return
	}
	m.cluster.metrics.halted.WithLabelValues(p.Topic).Inc()
	if m.cfg.Problem != nil {
		m.cfg.Problem(m.cluster.explainHalt(ctx, p, m.cfg.Group, err))
	}
}
