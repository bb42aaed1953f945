package stream

import "context"

// holesShare is the part of a drain's time for closing holes: 5 of 25 s.
const holesShare = 5

// closeHoles goes on with what waits below something that has begun, and begins
// nothing above it. Then nothing is finished above an unfinished event, and a
// consumer of somebody else that takes the group over, and does not read our
// notes, repeats nothing. When the model is away, there is nothing to wait for.
func (p *Processor) closeHoles(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, p.deps.Drain/holesShare)
	defer cancel()
	defer context.AfterFunc(ctx, p.wakePoll)()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ending = true
	for ctx.Err() == nil && p.holed() && !p.gate.shut() && !p.probation.paused() && !p.exactly.over() {
		p.room.Wait()
	}
}

// holed says whether something has begun above an unfinished event. p.mu is held.
func (p *Processor) holed() bool {
	for _, part := range p.parts {
		if !part.gone && part.offsets.first <= part.begun {
			return true
		}
	}
	return false
}

// mayBegin says whether the first event of a lane is still wanted, and notes
// that it begins. p.mu is held.
func (p *Processor) mayBegin(l *lane) bool {
	it := l.first
	if p.shared != nil { // its brokers remember each event by itself: there are no holes
		return !p.ending
	}
	if p.ending && it.seq > it.part.begun {
		return false
	}
	it.part.begun = max(it.part.begun, it.seq)
	return true
}
