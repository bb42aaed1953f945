package kafka

import (
	"errors"
	"fmt"
)

// errGivenUp says that a commit comes too late: its partition is another's, or was
// meanwhile.
var errGivenUp = errors.New("is not this member's any more")

// claim is what a commit is made for: partitions, and with which assignment each
// is this member's. With KIP-848 a member that was put out for its silence comes
// back under the same id, and brokers do not ask who has a partition: a commit that
// is tried again then would move it back to before what another has done.
type claim map[Partition]uint64

// claim notes how partitions are held now.
func (m *Member) claim(next map[Partition]int64) claim {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := make(claim, len(next))
	for p := range next {
		c[p] = m.owned[p]
	}
	return c
}

// holds says no when a partition is not held as claimed.
func (m *Member) holds(c claim) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for p, assignment := range c {
		if assignment == 0 || m.owned[p] != assignment {
			return fmt.Errorf("partition %s %w", p, errGivenUp)
		}
	}
	return nil
}
