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

// probation holds the first undecodable events. Guarded by Processor.mu.
type probation struct {
	p      *Processor
	passed bool // a record could be decoded, or the wait was over
	held   []heldEnding
	timer  *time.Timer
}

type heldEnding struct {
	it     *item
	ending event.Ending
}

// hold keeps an undecodable ending back while the topic is on probation, and
// says whether it did. Any other ending ends the probation.
func (b *probation) hold(it *item, ending event.Ending) bool {
	b.p.mu.Lock()
	defer b.p.mu.Unlock()
	if b.passed {
		return false
	}
	if ending.Reason != event.ReasonUndecodable {
		b.pass()
		return false
	}
	b.held = append(b.held, heldEnding{it, ending})
	it.part.busy--
	it.part.settle()
	switch {
	case len(b.held) == 1:
		b.timer = time.AfterFunc(probationWait, b.expire)
	case len(b.held) == probationCount:
		b.timer.Stop()
		b.p.closing = true
		b.p.deps.Log.Error(b.sentence())
	}
	return true
}

// expire ends the probation: there were few such records.
func (b *probation) expire() {
	b.p.mu.Lock()
	defer b.p.mu.Unlock()
	if !b.paused() {
		b.pass()
	}
}

// pass writes what was held; b.p.mu is held.
func (b *probation) pass() {
	b.passed = true
	if b.timer != nil {
		b.timer.Stop()
	}
	held := b.held
	b.held = nil
	if len(held) == 0 {
		return
	}
	go func() { // the sink may call back at once
		for _, h := range held {
			if b.p.begin(h.it) {
				b.p.write(h.it, h.ending)
				b.p.next(h.it.lane)
			}
		}
	}()
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
