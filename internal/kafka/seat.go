package kafka

import "fmt"

// Seat is a member's place in its group at one moment. Brokers refuse offsets
// from a seat that the group has gone beyond: that keeps out a member which
// slept through a rebalance.
type Seat struct {
	group, member, instance string
	generation              int32
}

// Seat tells the place of this member now. Whoever commits with it looks after
// this call at which partitions are still its own.
func (m *Member) Seat() Seat {
	id, generation := m.client.GroupMetadata()
	return Seat{group: m.cfg.Group, member: id, instance: m.cfg.StaticID, generation: generation}
}

// taken says whether a member sits there. Brokers take offsets of nobody
// without asking who owns the partitions, as clients of old times send them.
func (s Seat) taken() error {
	if s.member == "" || s.generation < 0 {
		return fmt.Errorf("group %s: %w: this member is not in it now", s.group, ErrSeat)
	}
	return nil
}
