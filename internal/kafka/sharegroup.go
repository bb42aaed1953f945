package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Kafka's own limits of deliveries: what holds unless it is set, and the most
// that a group may set.
const (
	deliveriesByDefault = 5
	deliveriesAtMost    = 10
)

// prepare sets what belongs to the group and not to its members: where it
// begins, that it reads what is committed only, how often an event is delivered.
func (m *ShareMember) prepare(ctx context.Context) error {
	from := m.cfg.From
	if from == "" {
		from = "earliest"
	}
	if from != "earliest" && from != "latest" {
		return fmt.Errorf("from: %q is neither earliest nor latest; a share group begins nowhere else", from)
	}
	version, err := m.renewVersion(ctx)
	if err != nil {
		return err
	}
	m.renews = version >= 2
	if !m.renews {
		m.cluster.deps.Log.Warn("these brokers cannot renew locks (Kafka 4.2 can): an event that takes longer than its lock, 30s unless set, is delivered again", "group", m.cfg.Group)
	}
	_, err = ask(ctx, func() (struct{}, error) {
		return struct{}{}, m.cluster.setGroup(ctx, m.cfg.Group, map[string]string{"share.auto.offset.reset": from, "share.isolation.level": "read_committed"})
	})
	if err != nil {
		return fmt.Errorf("where to begin is not set (%w); allow this client to alter the configs of the group", err)
	}
	m.limit = m.deliveries(ctx)
	session := cmp.Or(m.cfg.SessionTimeout, defaultSessionTimeout)
	m.cluster.setSession(m.cfg.Group, "share", session)
	return nil
}

// renewVersion is the newest version of acknowledgements that the brokers know.
func (m *ShareMember) renewVersion(ctx context.Context) (int16, error) {
	versions, err := ask(ctx, func() (*kmsg.ApiVersionsResponse, error) {
		return kmsg.NewPtrApiVersionsRequest().RequestWith(ctx, m.cluster.client)
	})
	if err != nil {
		return 0, err
	}
	for _, v := range versions.ApiKeys {
		if v.ApiKey == int16(kmsg.ShareAcknowledge) {
			return v.MaxVersion, nil
		}
	}
	return 0, errors.New("these brokers have no share groups (Kafka 4.2 has, earlier ones when switched on); write flow.stream.protocol: auto")
}

// deliveries sets and returns how often an event is delivered before the
// brokers give it up.
func (m *ShareMember) deliveries(ctx context.Context) int {
	const name = "share.delivery.count.limit"
	err := m.cluster.setGroup(ctx, m.cfg.Group, map[string]string{name: strconv.Itoa(deliveriesAtMost)})
	if err == nil {
		return deliveriesAtMost
	}
	most, hidden := m.cluster.shareDeliveries(ctx)
	if hidden != nil {
		most = deliveriesByDefault
	}
	m.cluster.deps.Log.Info("deliveries of an event are limited by the brokers' own", "group", m.cfg.Group, "deliveries", most, "assumed", hidden != nil, "error", errors.Join(err, hidden))
	return most
}

// shareDeliveries is how often the brokers deliver an event to a share group that
// has no limit of its own; of several the least.
func (c *Cluster) shareDeliveries(ctx context.Context) (int, error) {
	nodes, err := c.admin.ListBrokers(ctx)
	if err != nil {
		return 0, err
	}
	described, err := c.admin.DescribeBrokerConfigs(ctx, nodes.NodeIDs()...)
	if err != nil {
		return 0, err
	}
	const name = "group.share.delivery.count.limit"
	least := 0
	for _, broker := range described {
		for _, one := range broker.Configs {
			if n, err := strconv.Atoi(one.MaybeValue()); one.Key == name && err == nil && (least == 0 || n < least) {
				least = n
			}
		}
	}
	if least == 0 {
		return 0, fmt.Errorf("no broker tells its %s", name)
	}
	return least, nil
}

// setGroup sets configs of a group.
func (c *Cluster) setGroup(ctx context.Context, group string, configs map[string]string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	res := kmsg.NewIncrementalAlterConfigsRequestResource()
	res.ResourceType, res.ResourceName = kmsg.ConfigResourceTypeGroupConfig, group
	for name, value := range configs {
		one := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		one.Name, one.Value = name, &value
		res.Configs = append(res.Configs, one)
	}
	req.Resources = append(req.Resources, res)
	resp, err := req.RequestWith(ctx, c.client)
	if err == nil && len(resp.Resources) == 1 {
		err = kerr.ErrorForCode(resp.Resources[0].ErrorCode)
	}
	return err
}
