package kafka

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// The values of MemberConfig.Protocol.
//
// Auto is classic for a static member and consumer (KIP-848) for a dynamic one
// where the broker has it. With KIP-848 the name of a static member that was
// killed is refused (UNRELEASED_INSTANCE_ID) until its session has run out;
// with the classic protocol its successor has the partitions back at once.
const (
	ProtocolAuto     = "auto"
	ProtocolClassic  = "classic" // cooperative: only partitions that move are given up
	ProtocolEager    = "eager"   // classic too, but all are given up at each rebalance
	ProtocolConsumer = "consumer"
)

// nextGen says whether KIP-848 is to be asked for.
func (c MemberConfig) nextGen() bool {
	switch c.Protocol {
	case ProtocolConsumer:
		return true
	case ProtocolClassic, ProtocolEager:
		return false
	}
	return c.StaticID == ""
}

// balancers are the ways to share partitions that the member offers to its group;
// one that all members offer is taken, of several the one that most have first.
// Cooperative and eager ones are never offered together: a group that comes to the
// other kind while its members hold partitions has them read twice.
func (c MemberConfig) balancers() []kgo.GroupBalancer {
	if c.Protocol == ProtocolEager {
		return []kgo.GroupBalancer{kgo.RangeBalancer(), kgo.RoundRobinBalancer()}
	}
	return []kgo.GroupBalancer{kgo.CooperativeStickyBalancer()}
}

// strange says what to do when the members of a group have no way in common to
// share partitions.
func (m *Member) strange(err error) error {
	if !errors.Is(err, kerr.InconsistentGroupProtocol) {
		return err
	}
	offers, remedy := "cooperative-sticky", "set flow.stream.protocol: eager in all workers when the others have range or roundrobin, as kafka-python, librdkafka and Java's range do"
	if m.cfg.Protocol == ProtocolEager {
		offers, remedy = "range and roundrobin", "set flow.stream.protocol: classic in all workers when the others have cooperative-sticky"
	}
	return fmt.Errorf("members that are in it already have none of the protocols that this one offers (%s); %s, or stop those others: %w", offers, remedy, err)
}
