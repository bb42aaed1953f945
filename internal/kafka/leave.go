package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"betimes/internal/failpoint"
)

// Leave gives the partitions up, Revoked being called, leaves the group for
// good, also as a static member, and closes. Nobody polls any more.
func (m *Member) Leave(ctx context.Context) error { return m.end(ctx, leaveForGood) }

// Stop closes. A static member that comes back within its session timeout
// finds its partitions; a dynamic one leaves. Revoked is called.
func (m *Member) Stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := m.end(ctx, leaveForNow); err != nil {
		m.cluster.deps.Log.Info("group is not told that a member stops", "group", m.cfg.Group, "error", err)
	}
}

// What a static member of a KIP-848 group says as its epoch when it goes.
const (
	leaveForGood int32 = -1
	leaveForNow  int32 = -2
)

func (m *Member) end(ctx context.Context, how int32) error {
	defer m.hangUp()
	memberID, _ := m.client.GroupMetadata()
	failpoint.Reach("kafka.leave.before") // about to leave, still a member
	m.client.AllowRebalance()
	if !m.nextGen {
		m.letGo(ctx)
	}
	err := m.client.LeaveGroupContext(ctx)
	if !m.nextGen && ctx.Err() == nil && (errors.Is(err, context.Canceled) || errors.Is(err, kgo.ErrClientClosed)) {
		err = nil // letGo has hung up; release tells the group
	}
	failpoint.Reach("kafka.leave.after") // the client has left, a name or the group is not told
	m.mu.Lock()
	replaced := m.replaced // then the name is another's, who must not be put out
	m.mu.Unlock()
	if memberID != "" && !replaced && (m.cfg.StaticID != "" || !m.nextGen) {
		released := m.release(ctx, memberID, how)
		if m.nextGen && errors.Is(err, kerr.InvalidRequest) {
			err = nil // the library forgets the member's name; Kafka refuses that, and release said it again
		}
		err = errors.Join(err, released)
	}
	failpoint.Reach("kafka.leave.close") // out of the group, connections still open
	m.client.Close()
	if err != nil {
		return fmt.Errorf("leave group %s: %w", m.cfg.Group, err)
	}
	return nil
}

// letGo gives up what the member has and hangs up. With the classic protocol the
// library leaves only once it has rejoined, and that takes as long as the group
// waits for a member that crashed; nobody would have the partitions meanwhile.
func (m *Member) letGo(ctx context.Context) {
	m.mu.Lock()
	parts := slices.Collect(maps.Keys(m.owned))
	m.mu.Unlock()
	m.giveUp(ctx, byTopic(parts))
	m.hangUp()
}

// release says that a member goes: the library does not with the classic
// protocol, as the member is static or has hung up, and for a static one says it
// wrongly with KIP-848.
func (m *Member) release(ctx context.Context, memberID string, how int32) error {
	if m.nextGen {
		req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
		req.Group, req.MemberID, req.MemberEpoch, req.InstanceID = m.cfg.Group, memberID, how, &m.cfg.StaticID
		resp, err := req.RequestWith(ctx, m.cluster.client)
		if err == nil {
			err = kerr.ErrorForCode(resp.ErrorCode)
		}
		if !errors.Is(err, kerr.UnsupportedVersion) {
			return gone(err)
		}
	}
	if how == leaveForNow && m.cfg.StaticID != "" {
		return nil // with the classic protocol silence says it
	}
	req := kmsg.NewPtrLeaveGroupRequest()
	member := kmsg.NewLeaveGroupRequestMember()
	member.MemberID = memberID // also of a static one, else a successor would be put out
	if m.cfg.StaticID != "" {
		member.InstanceID = &m.cfg.StaticID
	}
	req.MemberID = memberID // where brokers know only one at a time
	req.Group, req.Members = m.cfg.Group, append(req.Members, member)
	resp, err := req.RequestWith(ctx, m.cluster.client)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err == nil && len(resp.Members) == 1 {
		err = kerr.ErrorForCode(resp.Members[0].ErrorCode)
	}
	return gone(err)
}

// gone forgives that the member is out already, or another has its name.
func gone(err error) error {
	if errors.Is(err, kerr.UnknownMemberID) || errors.Is(err, kerr.GroupIDNotFound) || errors.Is(err, kerr.FencedInstanceID) {
		return nil
	}
	return err
}

// setSession sets the session timeout of a group of a kind, consumer or share,
// where it belongs with KIP-848: on the group. Without the right to, the broker's own holds.
func (c *Cluster) setSession(group, kind string, timeout time.Duration) {
	millis := func(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
	err := c.setGroup(context.Background(), group, map[string]string{
		kind + ".session.timeout.ms":    millis(timeout),
		kind + ".heartbeat.interval.ms": millis(timeout / heartbeatsPerSession),
	})
	if err != nil {
		c.deps.Log.Info("session timeout of the group is the broker's own", "group", group, "wanted", timeout, "error", err)
	}
}
