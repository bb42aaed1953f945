package stream

import (
	"context"
	"fmt"
	"time"

	"betimes/internal/event"
	"betimes/internal/failpoint"
	"betimes/internal/kafka"
)

// partition is one assignment of a partition to this processor. A partition
// that is given up and comes back is a new one.
type partition struct {
	id     kafka.Partition
	ctx    context.Context // ends when the partition is given up
	cancel context.CancelFunc
	from   int64 // the offset it was given from
	came   time.Time

	// guarded by Processor.mu
	offsets   tracker
	committed int64  // as told to the group
	noted     string // beside it
	changes   int64  // so often something has finished
	asked     int64  // of them: known to the newest commit
	told      int64  // of them: known to the group
	open      int    // finished in a transaction that is not committed
	full      int64  // one more than the lowest unfinished sequence number for which the note had no room for more
	backlog   int64  // end of the log at the first fetch; -1: not known yet
	begun     int64  // highest sequence number of which an attempt has begun; -1: none
	busy      int    // attempts under way and records not acknowledged
	gone      bool
	lot       *lot          // what waits in parked
	idle      chan struct{} // closed when gone and no longer busy
}

func newPartition(id kafka.Partition, next int64) *partition {
	ctx, cancel := context.WithCancel(context.Background())
	return &partition{
		id: id, ctx: ctx, cancel: cancel, from: next, came: time.Now(), committed: next, backlog: -1, begun: -1,
		offsets: tracker{next: next}, idle: make(chan struct{}),
	}
}

// settle closes idle once nothing of a given-up partition is under way.
func (p *partition) settle() {
	if p.gone && p.busy == 0 {
		select {
		case <-p.idle:
		default:
			close(p.idle)
		}
	}
}

// assigned takes partitions in.
func (p *Processor) assigned(next map[kafka.Partition]int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fresh := make([]*partition, 0, len(next))
	for id, offset := range next {
		delete(p.halts, id) // it tries again with each assignment
		part := newPartition(id, offset)
		if p.member != nil {
			part.offsets.before = readNote(p.member.Note(id), offset)
		}
		if p.deps.Waiting != nil {
			part.lot = &lot{keys: map[uint64]line{}}
		}
		p.parts[id] = part
		fresh = append(fresh, part)
	}
	if p.deps.Waiting != nil && len(fresh) > 0 {
		go p.readLots(fresh)
	}
	failpoint.Reach("stream.assigned.after") // partitions came, nothing fetched
	p.joinOnce.Do(func() { close(p.joined) })
	p.deps.Log.Info("partitions assigned", "count", len(next), "held", len(p.parts))
	p.changed("assignment", fmt.Sprintf("%d partitions came, %d held", len(next), len(p.parts)))
}

// revoked gives partitions up: what has not begun is dropped, what is under way
// is finished and committed, as long as ctx and the hand-over limit allow.
func (p *Processor) revoked(ctx context.Context, ids []kafka.Partition) {
	ctx, cancel := context.WithTimeout(ctx, p.config.SessionTimeout/2)
	defer cancel()
	failpoint.Reach("stream.revoke.before") // asked to give partitions up, attempts still begin
	if p.config.Protocol == protocolEager { // all are to go, and others may not read our notes
		p.closeHoles(ctx, p.config.SessionTimeout/holesShare)
		defer p.beginAgain()
	}
	gone := p.giveUp(ids)
	if p.exactly != nil {
		p.exactly.hurry(1)
		defer p.exactly.hurry(-1)
	}
	failpoint.Reach("stream.revoke.given") // what waits is dropped, what is under way is not finished
	for _, part := range gone {
		select {
		case <-part.idle:
		case <-ctx.Done():
		}
	}
	failpoint.Reach("stream.revoke.idle") // what was under way has ended, not committed
	p.commit(ctx, func() []*partition { return gone })
	failpoint.Reach("stream.revoke.committed") // committed, the group is not told
	for _, part := range gone {
		part.cancel()
	}
	p.sayAgain(gone)
	p.deps.Log.Info("partitions given up", "count", len(gone))
	p.changed("assignment", fmt.Sprintf("%d partitions given up", len(gone)))
}

// sayAgain tells of how many partitions that are given up the next owner does
// something again: it had begun here, and its offset is neither committed nor noted
// beside a commit. Nothing is said when it is none.
func (p *Processor) sayAgain(gone []*partition) {
	p.mu.Lock()
	again := 0
	for _, part := range gone {
		_, whole := part.offsets.note()
		if p.exactly == nil && p.shared == nil && (part.busy > 0 || part.told < part.changes || !whole) {
			again++
		}
	}
	p.mu.Unlock()
	if again > 0 {
		p.deps.Log.Warn("partitions given up before all that was done of them was committed: it is done again", "not_committed", again)
	}
}

func (p *Processor) changed(kind, what string) {
	if p.deps.Changed != nil {
		p.deps.Changed(kind, what)
	}
}

// giveUp removes partitions, drops their waiting events and returns them.
func (p *Processor) giveUp(ids []kafka.Partition) []*partition {
	p.mu.Lock()
	defer p.mu.Unlock()
	var gone []*partition
	for _, id := range ids {
		if part := p.parts[id]; part != nil {
			p.letGo(part)
			delete(p.parts, id)
			delete(p.halts, id)
			gone = append(gone, part)
		}
	}
	for _, l := range p.lanes {
		p.dropWaiting(l)
	}
	return gone
}

// letGo marks a partition as given up; its offsets are remembered only until
// what is under way has finished.
func (p *Processor) letGo(part *partition) {
	if part.gone { // it was halted before
		return
	}
	part.gone = true
	part.settle()
	p.tracked -= len(part.offsets.entries)
	if part.lot != nil {
		for _, it := range part.lot.early {
			p.release(it)
		}
		part.lot.early = nil
	}
	for it := range p.waiting {
		if it.part == part {
			p.wake(it) // and with it forgotten
		}
	}
	p.room.Broadcast()
}

// dropWaiting forgets the events of given-up partitions behind the first of a
// lane. Those of a new assignment of the same partition stay.
func (p *Processor) dropWaiting(l *lane) {
	l.last, l.behind = l.first, 0
	for it := l.first.next; it != nil; it = it.next {
		if it.part.gone {
			p.handBack(it.event)
			p.release(it)
			continue
		}
		l.last.next = it
		l.last = it
		l.behind++
	}
	l.last.next = nil
}

// partOf returns the partition an event came from, or nil when it is not held.
func (p *Processor) partOf(e *event.Event) *partition {
	return p.parts[kafka.Partition{Topic: e.Source.Topic, Number: e.Source.Partition}]
}
