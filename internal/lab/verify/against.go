package verify

import (
	"fmt"

	"betimes/internal/event"
)

// Against holds a verdict against an earlier one, of the time before a restart:
// what the topics held up to its ends they must hold still. Call it before the
// reading; where retention has moved a beginning nothing can be said.
func (c *Checker) Against(before *Verdict) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.before = before.Partitions
}

// against compares the digests of an earlier reading.
func (j *judge) against() {
	for _, old := range j.before {
		p := old.at()
		if in, ok := j.bounds[p]; ok && in.start > old.Start {
			continue
		}
		digest := uint32(0)
		if b := j.books.log[p]; b != nil {
			for offset := old.Start; offset < old.End; offset++ {
				digest = b.digest(digest, offset)
			}
		}
		if got := digestText(digest); got != old.Digest {
			j.add(InconsistentOffsets, 0, event.Source{Topic: old.Topic, Partition: old.Number, Offset: old.Start},
				fmt.Sprintf("%d to %d were other records in the earlier reading", old.Start, old.End-1))
		}
	}
}
