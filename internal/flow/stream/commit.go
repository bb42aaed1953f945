package stream

import (
	"context"
	"time"

	"betimes/internal/failpoint"
	"betimes/internal/kafka"
)

// commitEvery is how often finished offsets are committed. Longer: more events
// are repeated after a crash; shorter: more requests.
const commitEvery = 100 * time.Millisecond

// commit stores what is finished of the partitions that which gives. One commit
// at a time: an older one that is still tried again could else come after that
// of a hand-over, and move the group back.
func (p *Processor) commit(ctx context.Context, which func() []*partition) {
	select {
	case p.committing <- struct{}{}:
		defer func() { <-p.committing }()
	case <-ctx.Done():
		return
	}
	if p.shared != nil {
		p.flush(ctx)
		return
	}
	parts := which()
	next, notes := map[kafka.Partition]int64{}, map[kafka.Partition]string{}
	p.mu.Lock()
	member := p.member
	for _, part := range parts {
		part.due(next, notes)
	}
	p.mu.Unlock()
	if len(next) == 0 || member == nil {
		return
	}
	failpoint.Reach("stream.commit.before") // finished, not committed
	err := member.CommitNoted(ctx, next, notes)
	failpoint.Reach("stream.commit.after") // committed, not remembered as such
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, part := range parts {
		if n, asked := next[part.id]; asked && err == nil {
			part.committed, part.noted, part.told = max(part.committed, n), notes[part.id], part.asked
		}
	}
	if err != nil {
		p.deps.Log.Warn("commit failed, will be repeated", "error", err)
	}
}

// due adds what is to be committed of a partition, if anything has finished.
// What a transaction holds is committed by it, or not at all.
func (part *partition) due(next map[kafka.Partition]int64, notes map[kafka.Partition]string) {
	if part.told == part.changes || part.open > 0 {
		return
	}
	part.asked = part.changes
	note, _ := part.offsets.note()
	if part.offsets.next > part.committed || note != part.noted {
		next[part.id], notes[part.id] = part.offsets.next, note
		return
	}
	part.told = part.asked
}

// commitLoop commits what has finished, every commitEvery.
func (p *Processor) commitLoop(ctx context.Context) {
	tick := time.NewTicker(commitEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			p.commit(ctx, p.held)
		}
	}
}

// held returns the partitions held now.
func (p *Processor) held() []*partition {
	p.mu.Lock()
	defer p.mu.Unlock()
	parts := make([]*partition, 0, len(p.parts))
	for _, part := range p.parts {
		parts = append(parts, part)
	}
	return parts
}
