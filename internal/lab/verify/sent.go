package verify

import (
	"fmt"
	"time"

	"betimes/internal/event"
)

// Take tells of one line of a ledger; lines come in the ledger's order.
func (c *Checker) Take(l *Line) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !l.Answer {
		c.send(l)
		return nil
	}
	n := c.bySeq.look(int(l.Seq))
	if n == nil || *n == 0 {
		return fmt.Errorf("%w: an answer to send %d, which is not in it", ErrLedger, l.Seq)
	}
	c.answer(c.ids.get(*n), l)
	return nil
}

// Sent tells of a send without a ledger; seq numbers sends from 1.
func (c *Checker) Sent(seq uint64, s Sending) {
	_ = c.Take(&Line{Seq: seq, ID: []byte(s.ID), Key: keyHash(s.Key), CRC: checksum(s.Value)}) // only answers can be wrong
}

// Answered tells of the answer to a send.
func (c *Checker) Answered(seq uint64, o Outcome, at event.Source) error {
	return c.Take(&Line{Answer: true, Seq: seq, Outcome: o, Source: at, At: time.Now()})
}

func (c *Checker) send(l *Line) {
	n := c.identify(fnv(l.ID))
	*c.bySeq.at(int(l.Seq)) = n
	one := c.ids.get(n)
	c.counts.Sent++
	if one.sends > 0 { // sent again: the last is what counts, the first answer stays
		one.sends = saturated(one.sends)
		return
	}
	c.counts.Unknown++
	one.sends, one.crc = 1, l.CRC
	if l.Key != 0 {
		one.key = c.lane(l.Key)
		key := c.lanes.get(one.key)
		one.offset, one.part = key.floor, key.part
	}
}

// answer notes what became of a send, and whether the log kept its order: it was
// made after what its key had reached was acknowledged.
func (c *Checker) answer(one *identity, l *Line) {
	if one.outcome != Unknown {
		return
	}
	c.outcome(one, l.Outcome)
	floor := one.offset
	one.offset = -1
	if l.Outcome != OK {
		return
	}
	one.acked = l.At.UnixMilli()
	if l.Source.Topic == "" {
		return
	}
	if floor >= 0 && one.part == l.Source.Partition && l.Source.Offset <= floor {
		c.found.add(NonmonotonicSend, one.hash, l.Source, fmt.Sprintf("sent after %d of its key was acknowledged", floor))
	}
	one.offset, one.part = l.Source.Offset, l.Source.Partition
	if one.key != 0 {
		key := c.lanes.get(one.key)
		if key.floor < 0 || key.part != l.Source.Partition || l.Source.Offset > key.floor {
			key.floor, key.part = l.Source.Offset, l.Source.Partition
		}
	}
}

func (c *Checker) outcome(one *identity, o Outcome) {
	one.outcome = o
	switch o {
	case OK:
		c.counts.Unknown--
		c.counts.OK++
	case Failed:
		c.counts.Unknown--
		c.counts.Failed++
	}
}
