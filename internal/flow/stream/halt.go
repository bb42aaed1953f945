package stream

import (
	"errors"
	"fmt"

	"betimes/internal/kafka"
)

// A partition that cannot go on without losing an event, or without breaking an
// order, is halted: none of its events is begun or written any more, the
// lowest unfinished offset stays where it is, and all above is read again by
// whoever the partition is assigned to next, this worker or another. The other
// partitions go on. Readiness says why until then.

// stop halts a partition of this worker.
func (p *Processor) stop(part *partition, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	part.cancel()
	if part.gone { // halted before, or about to be another's
		p.deps.Log.Warn("an ending is not written, its event is read again", "topic", part.id.Topic, "partition", part.id.Number, "error", err)
		return
	}
	p.letGo(part)
	for _, l := range p.lanes {
		p.dropWaiting(l)
	}
	p.member.Halt(part.id)
	p.sayHalt(part.id, fmt.Errorf("partition %s is halted, and tried again when it is assigned anew: %w", part.id, err))
}

// halted notes that the member brings nothing of a partition any more, for
// example because its records are gone.
func (p *Processor) halted(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var id kafka.Partition
	if h, is := errors.AsType[*kafka.HaltError](err); is {
		id = h.Partition
	}
	p.sayHalt(id, err)
}

// sayHalt keeps and tells why a partition goes no further. p.mu is held.
func (p *Processor) sayHalt(id kafka.Partition, err error) {
	p.halts[id] = err
	p.deps.Log.Error("a partition is halted", "topic", id.Topic, "partition", id.Number, "error", err)
	p.changed("halt", err.Error())
}

// anyHalt tells why one of the halted partitions goes no further, nil when none
// is halted. p.mu is held.
func (p *Processor) anyHalt() error {
	var first kafka.Partition
	for id := range p.halts {
		if first.Topic == "" || id.Number < first.Number {
			first = id
		}
	}
	return p.halts[first]
}
