package stream

import (
	"fmt"
	"time"

	"betimes/internal/event"
)

// A topic in a format that we cannot read must not become a topic of dead
// letters. Until one record could be decoded, undecodable ones are held back:
// a hundred of them in a row pause the stream; fewer become dead letters after
// a moment, as any poison event does.
const (
	probationCount = 100
	probationWait  = time.Second
)

// probation holds the first undecodable endings; their lanes go on, so that a
// topic of few keys reaches the hundred too. Guarded by Processor.mu.
type probation struct {
	p      *Processor
	passed bool // a record could be decoded, or the wait was over
	held   []heldEnding
	timer  *time.Timer
	over   chan struct{} // closed once what was held is handed over
}

type heldEnding struct {
	it     *item
	ending event.Ending
}

func newProbation(p *Processor) probation { return probation{p: p, over: make(chan struct{})} }

// hold keeps an undecodable ending back while the topic is on probation, and
// says whether it did. Any other ending ends the probation, and is handed over
// after those held: one of them may be of its key.
func (b *probation) hold(it *item, ending event.Ending) bool {
	b.p.mu.Lock()
	if b.passed {
		b.p.mu.Unlock()
		<-b.over
		return false
	}
	if ending.Reason != event.ReasonUndecodable {
		held := b.pass()
		b.p.mu.Unlock()
		b.handOver(held)
		return false
	}
	defer b.p.mu.Unlock()
	b.held = append(b.held, heldEnding{it, ending})
	it.part.busy--
	it.part.settle()
	switch len(b.held) {
	case 1:
		b.timer = time.AfterFunc(probationWait, b.expire)
	case probationCount:
		b.timer.Stop()
		b.p.deps.Log.Error(b.sentence())
	}
	b.p.leave(it.lane)
	b.p.dispatch()
	return true
}

// expire ends the probation: there were few such records.
func (b *probation) expire() {
	b.p.mu.Lock()
	if b.passed || b.paused() {
		b.p.mu.Unlock()
		return
	}
	held := b.pass()
	b.p.mu.Unlock()
	b.handOver(held)
}

// pass ends the probation and returns what must be handed over; b.p.mu is held.
func (b *probation) pass() []heldEnding {
	b.passed = true
	if b.timer != nil {
		b.timer.Stop()
	}
	held := b.held
	b.held = nil
	return held
}

// handOver writes what was held, in order, then lets all others go on; what was
// paused too, when a record that was in work could be decoded after all.
func (b *probation) handOver(held []heldEnding) {
	defer b.p.wakePoll()
	defer close(b.over)
	for _, h := range held {
		if b.p.takeUp(h.it) {
			b.p.write(h.it, h.ending)
		}
	}
}

// takeUp counts a held ending as under way again, or drops it when its partition has gone.
func (p *Processor) takeUp(it *item) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if it.part.gone {
		p.release(it)
		return false
	}
	it.part.busy++
	return true
}

// paused says that the topic looks unreadable; b.p.mu is held.
func (b *probation) paused() bool { return len(b.held) >= probationCount }

// sentence is for the log and readiness.
func (b *probation) sentence() string {
	e := b.held[0].it.event
	return fmt.Sprintf("paused: the first %d records of topic %s cannot be read (%v); set kafka.topics.events.value to what they are, nothing was written or committed", probationCount, e.Source.Topic, b.held[0].ending.Err)
}

// close ends the wait; what is held is read again after a restart.
func (b *probation) close() {
	b.p.mu.Lock()
	defer b.p.mu.Unlock()
	if b.timer != nil {
		b.timer.Stop()
	}
}
