package stream

import (
	"time"

	"betimes/internal/event"
	"betimes/internal/failpoint"
)

// maxTracked bounds how many events finish above one that cannot, for example
// because its endpoint does not answer: 40 bytes each, and all are read again
// after a crash.
const maxTracked = 250_000

// full says that no more may be fetched now; p.mu is held.
func (p *Processor) full() bool {
	return p.queued >= p.config.MaxQueued || p.ample() || p.bytes >= int64(p.config.MaxQueuedBytes) || p.tracked >= maxTracked || p.probation.paused() ||
		p.gate.closed && !p.ready.empty() // enough to ask with
}

// stopped says that no attempt begins now: the processor ends or may not write,
// the topic cannot be read, or the brokers do not take what there is. p.mu is held.
func (p *Processor) stopped() bool {
	return p.closing || p.exactly.over() || p.gate.shut() || p.probation.paused() || p.unsent.Load() >= int64(p.config.MaxQueuedBytes)
}

// take puts fetched events into their lanes and starts attempts.
func (p *Processor) take(events []*event.Event) {
	failpoint.Reach("stream.take.before") // fetched, in no lane
	for _, e := range events {
		p.identify(e)
	}
	for _, it := range p.takeIn(events) {
		p.exhaust(it)
	}
}

// takeIn keeps fetched events, and returns those that are to be ended at once.
func (p *Processor) takeIn(events []*event.Event) (spent []*item) {
	items := make([]item, len(events))
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, e := range events {
		if p.shared != nil {
			if p.takeShared(&items[i], e) {
				spent = append(spent, &items[i])
			}
			continue
		}
		part := p.partOf(e)
		if part == nil || part.gone { // given up meanwhile, or halted
			continue
		}
		if part.backlog < 0 {
			part.backlog, _ = p.member.HighWatermark(part.id)
		}
		if p.finishedBefore(part, e) {
			continue
		}
		e.Backlog = part.waited(e)
		it := &items[i]
		it.event, it.part, it.seq = e, part, part.offsets.add(e.Source.Offset, e.Recorded)
		p.tracked++
		p.keep(it)
		if part.lot != nil && !part.lot.read {
			part.lot.early = append(part.lot.early, it)
			continue
		}
		p.enter(it)
	}
	failpoint.Reach("stream.take.after") // in their lanes, no attempt begun
	p.dispatch()
	return spent
}

// waited says whether an event was in the log before the partition came. The first
// fetch tells of an end of the log, but answers only when there is a record: of a
// partition without any that one has come since. p.mu is held.
func (p *partition) waited(e *event.Event) bool {
	return e.Source.Offset < p.backlog && e.Recorded.Before(p.came)
}

// finishedBefore skips an event that an owner before had finished. p.mu is held.
func (p *Processor) finishedBefore(part *partition, e *event.Event) bool {
	if !covers(part.offsets.before, e.Source.Offset) {
		return false
	}
	failpoint.Reach("stream.skip.before") // finished by an owner before, not skipped yet
	seq := part.offsets.add(e.Source.Offset, e.Recorded)
	p.tracked += 1 - part.offsets.finish(seq)
	part.changes++
	p.meter.skipped.Inc()
	return true
}

// keep counts an item against the bounds. p.mu is held.
func (p *Processor) keep(it *item) {
	it.size = size(it.event)
	p.queued++
	p.bytes += it.size
	p.hot.add(p.keyLane(it.event.Source.Partition, it.event.Key), it.event)
}

// size is what an event counts against the byte bound.
func size(e *event.Event) int64 {
	n := len(e.Value) + len(e.Key) + 512
	for i := range e.Headers {
		n += len(e.Headers[i].Name) + len(e.Headers[i].Value)
	}
	return int64(n)
}

// enter puts an item at the end of its lane; a new lane is ready at once.
func (p *Processor) enter(it *item) {
	id := p.laneID(it.event)
	if l := p.lanes[id]; l != nil {
		l.push(it)
		return
	}
	l := p.newLane(id)
	l.push(it)
	p.lanes[id] = l
	p.ready.push(l)
}

func (p *Processor) newLane(id uint64) *lane {
	if n := len(p.free); n > 0 {
		l := p.free[n-1]
		p.free = p.free[:n-1]
		l.id = id
		return l
	}
	return &lane{id: id}
}

// dispatch gives a hand to each ready lane within the limit; each goes on with
// further ready lanes until there are none.
func (p *Processor) dispatch() {
	for p.running < p.limit.limit {
		l := p.nextLane()
		if l == nil {
			return
		}
		p.start(l)
	}
}

// nextLane takes the next ready lane, using up a try when the gate is closed; nil
// when there is none, or no attempt begins now. p.mu is held.
func (p *Processor) nextLane() *lane {
	if p.stopped() {
		return nil
	}
	for l := p.ready.pop(); l != nil; l = p.ready.pop() {
		switch {
		case l.first.part.gone:
			p.forget(l.first)
		case p.mayBegin(l):
			if l.first.probe = p.gate.closed; l.first.probe {
				p.gate.tries--
				p.room.Broadcast()
			}
			return l
		default:
			p.aside = append(p.aside, l)
		}
	}
	return nil
}

// work attempts the first event of l, then of the next ready lanes.
func (p *Processor) work(h *hand, l *lane) {
	began := time.Now()
	for l != nil {
		probe := l.first.probe
		s := p.attempt(l.first)
		now := time.Now()
		p.mu.Lock()
		l = nil
		if probe && p.gate.closed && s.verdict == nothing { // it asked nobody: the next one does
			p.gate.tries++
		}
		p.probeAgain()
		if !p.stopped() {
			s.at, s.took = now, now.Sub(began)
			p.learn(s)
		}
		if p.running <= p.limit.limit {
			l = p.nextLane()
		}
		if l == nil {
			p.rest(h)
		}
		p.mu.Unlock()
		began = now
	}
}

// learn tells the limiter of an attempt whose slot is free. p.mu is held.
func (p *Processor) learn(s sample) {
	s.full = p.running >= p.limit.limit && !p.ready.empty()
	if p.limit.add(s) {
		p.dispatch()
	}
}

// leave takes the first event of a lane out once its ending is handed over; the
// next one is ready. The caller dispatches, or looks for a ready lane itself.
func (p *Processor) leave(l *lane) {
	l.pop()
	if l.first != nil {
		p.ready.push(l)
		return
	}
	delete(p.lanes, l.id)
	p.free = append(p.free, l)
}

// release gives back the room of an item.
func (p *Processor) release(it *item) {
	p.queued--
	p.bytes -= it.size
	p.room.Broadcast()
}
