package stream

import (
	"context"
	"time"
)

// holesShare is the part of the time for closing holes: 5 of 25 s of a drain.
const holesShare = 5

// closeHoles goes on with what waits below something that has begun, for so long
// at most, and begins nothing above it until beginAgain. Then nothing is finished above
// an unfinished event, and a consumer of somebody else that takes partitions over,
// and does not read our notes, repeats nothing. When the model is away, there is
// nothing to wait for.
func (p *Processor) closeHoles(ctx context.Context, long time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, long)
	defer cancel()
	defer context.AfterFunc(ctx, p.wakePoll)()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ending++
	for ctx.Err() == nil && p.holed() && !p.gate.shut() && !p.probation.paused() && !p.exactly.over() {
		p.room.Wait()
	}
}

// beginAgain lets attempts begin again after closeHoles; what was given up meanwhile is
// forgotten.
func (p *Processor) beginAgain() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ending--
	for _, l := range p.aside {
		p.ready.push(l)
	}
	p.aside = nil
	p.dispatch()
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
		return p.ending == 0
	}
	if p.ending > 0 && it.seq > it.part.begun {
		return false
	}
	it.part.begun = max(it.part.begun, it.seq)
	return true
}
