package stream

import (
	"context"
	"fmt"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
	"betimes/internal/pulse"
)

// Shared is a Member of a share group: its events come one by one from
// partitions that other members read as well, and the brokers remember of each
// whether it is done. *kafka.ShareMember is one. Order must be none.
//
// There are no offsets to commit: an event is accepted when its ending is
// acknowledged, and released when it is given up; what is neither is locked for
// this member until it leaves or dies. Attempts of an event begin at the
// deliveries before this one. What was written before this worker began, or was
// delivered before, counts as backlog. Lag is that of the whole group.
type Shared interface {
	Poll(ctx context.Context, take func([]*event.Event)) error
	Accept(e *event.Event)
	Release(e *event.Event)
	// Flush sends what was accepted and released.
	Flush(ctx context.Context) error
	// Left is how often brokers deliver the event again unless it is accepted now;
	// with 0 they give it up.
	Left(e *event.Event) int
	// Behind is how many records the group has not done, by partition.
	Behind() map[kafka.Partition]int64
	Halt(p kafka.Partition)
	Leave(ctx context.Context) error
}

// Share makes a Shared a Member: it has no commits, notes and watermarks.
func Share(s Shared) Member { return sharing{s} }

type sharing struct{ Shared }

// CommitNoted has nothing to commit.
func (sharing) CommitNoted(context.Context, map[kafka.Partition]int64, map[kafka.Partition]string) error {
	return nil
}

// Commits gives none.
func (sharing) Commits(context.Context, []kafka.Partition) (map[kafka.Partition]kafka.Commit, error) {
	return nil, nil
}

// HighWatermark is not known.
func (sharing) HighWatermark(kafka.Partition) (int64, bool) { return 0, false }

func (sharing) Note(kafka.Partition) string { return "" }
func (sharing) Seat() kafka.Seat            { return kafka.Seat{} }
func (sharing) Pause(...kafka.Partition)    {}
func (sharing) Resume(...kafka.Partition)   {}

// shareAhead is how many events beyond those in work a worker of a share group
// holds: what waits here could be worked on by another member.
const shareAhead = 32

// ample says that a worker of a share group has enough to do. p.mu is held.
func (p *Processor) ample() bool {
	return p.shared != nil && p.queued >= 2*p.limit.limit+shareAhead
}

// spareDeliveries are those in which an event is ended without being worked on: the
// brokers would drop it in silence, were its worker to die or to leave before. One
// more than the last, so that its dead letter has a second worker to write it.
const spareDeliveries = 1

// takeShared puts an event of a share group into its lane, and says whether it is
// to be ended at once. p.mu is held.
func (p *Processor) takeShared(it *item, e *event.Event) (spent bool) {
	id := kafka.Partition{Topic: e.Source.Topic, Number: e.Source.Partition}
	part := p.parts[id]
	if part == nil {
		part = newPartition(id, -1)
		p.parts[id] = part
	}
	left := p.shared.Left(e)
	if (part.gone || p.closing) && left > 0 {
		p.handBack(e)
		return false
	}
	e.Backlog = e.Attempts > 0 || e.Recorded.Before(p.began)
	it.event, it.part = e, part
	p.keep(it)
	if left > spareDeliveries || e.Attempts == 0 { // the first is for work, though there be two only
		p.enter(it)
		return false
	}
	part.busy++
	return true
}

// exhaust makes a dead letter of an event that is hardly delivered again, without
// asking the model.
func (p *Processor) exhaust(it *item) {
	e := it.event
	e.Timeline.Mark(event.StageQueue, time.Now())
	e.Attempts++
	p.write(it, event.Fail(event.ReasonAttempts, event.StageQueue, fmt.Errorf("delivered %d times and ended by none; its workers died, gave it back or took too long", e.Attempts)), nil)
}

// handBack gives an event back to its share group.
func (p *Processor) handBack(e *event.Event) {
	if p.shared != nil {
		p.shared.Release(e)
	}
}

// lastRetry is the pause before the dead letter of a last delivery is tried again.
const lastRetry = time.Second

// keepsLast keeps an event whose ending was refused and that brokers would not
// deliver again: its lock is renewed, and its ending tried until it is taken. Only
// the end of this worker loses it, which is said.
func (p *Processor) keepsLast(it *item, ending event.Ending, why error) bool {
	if p.shared == nil || p.shared.Left(it.event) > 0 {
		return false
	}
	source := it.event.Source.String()
	p.mu.Lock()
	closing := p.closing
	p.mu.Unlock()
	if closing {
		p.deps.Log.Error("an event is lost to its share group: it was delivered for the last time and its ending is refused", "source", source, "error", why)
		return false
	}
	if it.part.ctx.Err() == nil {
		p.stop(it.part, why)
	}
	p.deps.Log.Error("the ending of an event that is not delivered again is refused; it is tried until it is taken or this worker ends", "source", source, "error", why)
	time.AfterFunc(lastRetry, func() { p.write(it, ending, nil) })
	return true
}

// assignedAny says that there may be events: partitions are held, or the share
// group gives some. p.mu is held.
func (p *Processor) assignedAny() bool {
	if p.shared == nil {
		return len(p.parts) > 0
	}
	select {
	case <-p.joined:
		return true
	default:
		return false
	}
}

// flushEvery bounds how long a flush waits for slow brokers; the next one tries again.
const flushEvery = time.Second

// flush sends what was accepted.
func (p *Processor) flush(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, flushEvery)
	defer cancel()
	_ = p.shared.Flush(ctx) // what is not sent yet is sent by the next one, or delivered again
}

// sharedLag is the lag of a share group; p.mu is held. The delay is that of the
// oldest event that this worker holds.
func (p *Processor) sharedLag(now time.Time) []pulse.Lag {
	oldest := map[kafka.Partition]time.Time{}
	for _, l := range p.lanes {
		id := l.first.part.id
		if at, has := oldest[id]; !has || l.first.event.Recorded.Before(at) {
			oldest[id] = l.first.event.Recorded
		}
	}
	var lags []pulse.Lag
	for id, n := range p.shared.Behind() {
		l := pulse.Lag{Topic: id.Topic, Partition: id.Number, Records: n}
		if at, has := oldest[id]; has && n > 0 {
			l.DelayS = max(now.Sub(at).Seconds(), 0)
		}
		lags = append(lags, l)
	}
	return lags
}
