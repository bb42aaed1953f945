package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Leave gives the partitions up, Revoked being called, leaves the group for
// good, also as a static member, and closes. Nobody polls any more.
func (m *Member) Leave(ctx context.Context) error {
	memberID, _ := m.client.GroupMetadata()
	m.client.AllowRebalance()
	err := m.client.LeaveGroupContext(ctx)
	if m.cfg.StaticID != "" && memberID != "" {
		err = errors.Join(err, m.release(ctx, memberID))
	}
	m.client.Close()
	if err != nil {
		return fmt.Errorf("leave group %s: %w", m.cfg.Group, err)
	}
	return nil
}

// Stop closes. A static member that comes back within its session timeout
// finds its partitions; a dynamic one leaves. Revoked is called.
func (m *Member) Stop() { m.client.CloseAllowingRebalance() }

// release takes a static member out of the group: the library only closes it,
// so that it may come back.
func (m *Member) release(ctx context.Context, memberID string) error {
	if m.nextGen {
		req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
		req.Group, req.MemberID, req.MemberEpoch, req.InstanceID = m.cfg.Group, memberID, -1, &m.cfg.StaticID
		resp, err := req.RequestWith(ctx, m.cluster.client)
		if err == nil {
			err = kerr.ErrorForCode(resp.ErrorCode)
		}
		if !errors.Is(err, kerr.UnsupportedVersion) {
			return gone(err)
		}
	}
	resp, err := m.cluster.admin.LeaveGroup(ctx, kadm.LeaveGroup(m.cfg.Group).InstanceIDs(m.cfg.StaticID).Reason("betimes leaves"))
	if err == nil {
		err = resp.Error()
	}
	return gone(err)
}

// gone forgives that the member is out already.
func gone(err error) error {
	if errors.Is(err, kerr.UnknownMemberID) || errors.Is(err, kerr.GroupIDNotFound) {
		return nil
	}
	return err
}

// setSessionTimeout sets the group's session timeout where it belongs with
// KIP-848: on the group. Without the right to, the broker's own holds.
func (c *Cluster) setSessionTimeout(group string, timeout time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	res := kmsg.NewIncrementalAlterConfigsRequestResource()
	res.ResourceType, res.ResourceName = kmsg.ConfigResourceTypeGroupConfig, group
	for name, d := range map[string]time.Duration{
		"consumer.session.timeout.ms":    timeout,
		"consumer.heartbeat.interval.ms": timeout / heartbeatsPerSession,
	} {
		one := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		one.Name, one.Value = name, kmsg.StringPtr(strconv.FormatInt(d.Milliseconds(), 10))
		res.Configs = append(res.Configs, one)
	}
	req.Resources = append(req.Resources, res)
	resp, err := req.RequestWith(ctx, c.client)
	if err == nil && len(resp.Resources) == 1 {
		err = kerr.ErrorForCode(resp.Resources[0].ErrorCode)
	}
	if err != nil {
		c.deps.Log.Info("session timeout of the group is the broker's own", "group", group, "wanted", timeout, "error", err)
	}
}
