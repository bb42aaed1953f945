package stream

import (
	"fmt"
	"time"

	"betimes/internal/event"
	"betimes/internal/failpoint"
)

// A topic in a format that we cannot read must not become a topic of dead
// letters. Until one record could be decoded, undecodable ones are held back for
// a moment and counted: the hundredth pauses the stream; fewer become dead
// letters, as any poison event does. Where they park their keys, they wait until
// one could be decoded: events behind parked ones are not looked at, so that the
// hundredth would not come.
const (
	probationCount = 100
	probationWait  = time.Second
)

// probation holds the first undecodable endings; their lanes go on, so that a
// topic of few keys reaches the hundred too. Guarded by Processor.mu.
type probation struct {
	p       *Processor
	passed  bool // a record could be decoded
	held    []heldEnding
	written int // endings handed over after their moment
	timer   *time.Timer
	before  chan struct{} // closed once all that was held before is handed over
}

type heldEnding struct {
	it     *item
	ending event.Ending
}

func newProbation(p *Processor) probation {
	none := make(chan struct{})
	close(none)
	return probation{p: p, before: none}
}

// hold keeps an undecodable ending back while the topic is on probation, and
// says whether it did. Any other ending ends the probation, and is handed over
// after those held: one of them may be of its key.
func (b *probation) hold(it *item, ending event.Ending) bool {
	b.p.mu.Lock()
	if b.passed {
		before := b.before
		b.p.mu.Unlock()
		<-before
		return false
	}
	if ending.Reason != event.ReasonUndecodable {
		b.passed = true
		next := b.take()
		b.p.mu.Unlock()
		next.handOver(b.p)
		return false
	}
	defer b.p.mu.Unlock()
	b.held = append(b.held, heldEnding{it, ending})
	failpoint.Reach("stream.probation.held") // cannot be decoded, held back
	it.part.busy--
	it.part.settle()
	switch {
	case b.written+len(b.held) == probationCount:
		b.p.deps.Log.Error(b.sentence())
	case len(b.held) == 1 && b.p.config.then(event.ReasonUndecodable) != thenPark:
		b.timer = time.AfterFunc(probationWait, b.expire)
	}
	b.p.leave(it.lane)
	b.p.dispatch()
	return true
}

// expire hands over what was held for its moment: there were few such records.
func (b *probation) expire() {
	b.p.mu.Lock()
	if b.passed || b.paused() {
		b.p.mu.Unlock()
		return
	}
	b.written += len(b.held)
	next := b.take()
	b.p.mu.Unlock()
	next.handOver(b.p)
}

// handing is what is handed over in one go, after what was before it.
type handing struct {
	held         []heldEnding
	before, done chan struct{}
}

// take takes what is held; b.p.mu is held.
func (b *probation) take() handing {
	if b.timer != nil {
		b.timer.Stop()
	}
	next := handing{b.held, b.before, make(chan struct{})}
	b.held, b.before = nil, next.done
	return next
}

// handOver writes what was held, in order, then lets others go on; what was
// paused too, when a record that was in work could be decoded after all.
func (h handing) handOver(p *Processor) {
	<-h.before
	for _, one := range h.held {
		failpoint.Reach("stream.probation.over") // was held back, not handed over
		if p.takeUp(one.it) {
			p.write(one.it, p.poisoned(one.it, one.ending), nil)
		}
	}
	close(h.done)
	p.wakePoll()
}

// takeUp counts a held ending as under way again, or drops it when its partition has gone.
func (p *Processor) takeUp(it *item) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if it.part.gone {
		p.handBack(it.event)
		p.release(it)
		return false
	}
	it.part.busy++
	return true
}

// paused says that the topic looks unreadable; b.p.mu is held.
func (b *probation) paused() bool {
	return !b.passed && b.written+len(b.held) >= probationCount
}

// sentence is for the log and readiness.
func (b *probation) sentence() string {
	e := b.held[0].it.event
	kept := "nothing was written or committed"
	if b.written > 0 {
		kept = fmt.Sprintf("%d of them are dead letters, nothing more is written or committed", b.written)
	}
	return fmt.Sprintf("paused: the first %d records of topic %s cannot be read (%v); set kafka.topics.events.value to what they are, %s", probationCount, e.Source.Topic, b.held[0].ending.Err, kept)
}

// close ends the wait; what is held is read again after a restart.
func (b *probation) close() {
	b.p.mu.Lock()
	defer b.p.mu.Unlock()
	if b.timer != nil {
		b.timer.Stop()
	}
}
