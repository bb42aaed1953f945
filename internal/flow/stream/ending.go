package stream

import (
	"errors"
	"fmt"
	"time"

	"betimes/internal/event"
	"betimes/internal/failpoint"
	"betimes/internal/kafka"
)

// end hands the ending of an item to the sink; its lane goes on at once.
func (p *Processor) end(it *item, ending event.Ending) {
	if p.dropIfGone(it) {
		return
	}
	if ending.Place == event.DeadLetter && p.config.then(ending.Reason) == thenHalt {
		p.stop(it.part, fmt.Errorf("%s: %s in %s after %d attempts (flow.stream.errors): %w", it.event.Source, ending.Reason, ending.Stage, it.event.Attempts, ending.Err))
		p.dropIfGone(it)
		return
	}
	if p.probation.hold(it, ending) {
		return
	}
	p.handOver(it, p.poisoned(it, ending))
}

// handOver gives an ending to the sink; its lane goes on once that has it.
func (p *Processor) handOver(it *item, ending event.Ending) {
	if p.exactly != nil {
		p.exactly.put(it, ending, it.lane)
		return
	}
	failpoint.Reach("stream.write.before") // it has an ending, which is not handed over
	p.write(it, ending, it.lane)
}

// next lets the lane of a handed-over event go on.
func (p *Processor) next(l *lane) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leave(l)
	p.dispatch()
}

// dropIfGone drops an ending whose partition now belongs to another member and
// whose hand-over time is over.
func (p *Processor) dropIfGone(it *item) bool {
	if it.part.ctx.Err() == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forget(it)
	it.part.busy--
	it.part.settle()
	return true
}

// write hands the record of an ending over, and lets the lane go on, if there is one
// to go on, now or once the outcome is known. A duplicate is counted, not written.
func (p *Processor) write(it *item, ending event.Ending, l *lane) {
	if p.exactly != nil {
		p.exactly.put(it, ending, l)
		return
	}
	h := &handed{it: it, ending: ending}
	if ending.Place == event.Duplicate {
		p.finish(it, ending.Place)
	} else {
		h.record = p.record(it, ending)
		if h.holds(l, p.taken[ending.Place].Load()) {
			l = nil
		}
		if ending.Place != event.Predicted {
			failpoint.Reach("stream.dead_letter.before") // dead letter, shed or quarantine made, not handed over
		}
		p.carry(it, ending.Value)
		p.deps.Sink.Write(h.record, func(at event.Source, err error) { p.answered(h, at, err) })
	}
	if l != nil {
		failpoint.Reach("stream.write.after") // handed over, its lane has not gone on
		p.next(l)
		failpoint.Reach("stream.next.after") // the lane has gone on
	}
}

// answered deals with what became of a record.
func (p *Processor) answered(h *handed, at event.Source, err error) {
	it, ending := h.it, h.ending
	tooLarge := errors.Is(err, kafka.ErrTooLarge)
	switch {
	case err == nil:
		if ending.Place == event.Parked {
			p.parked(it, at.Offset)
		}
		p.took(h)
		p.goOn(h)
		p.finish(it, ending.Place)
	case tooLarge && ending.Place == event.Predicted && p.config.then(event.ReasonTooLarge) != thenHalt:
		failpoint.Reach("stream.too_large.before") // prediction refused, its dead letter not made
		p.write(it, event.Fail(event.ReasonTooLarge, event.StagePublish, err), h.lane)
	case tooLarge && ending.Place != event.Predicted && !it.bare:
		it.bare = true
		p.write(it, ending, h.lane)
	default:
		why := fmt.Errorf("write to %s: %w", h.record.Topic, err)
		kept := p.keepsLast(it, ending, why)
		if !kept {
			p.stop(it.part, why)
		}
		p.goOn(h)
		if !kept {
			p.abandon(it)
		}
	}
}

// finish counts an acknowledged ending and finishes its offset.
func (p *Processor) finish(it *item, place event.Place) {
	failpoint.Reach("stream.finish.before") // acknowledged, its offset not finished
	if place != event.Predicted {
		failpoint.Reach("stream.dead_letter.finish") // dead letter, shed or quarantine acknowledged, its offset not finished
	}
	p.tell(it.event, place)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shared != nil {
		p.shared.Accept(it.event)
	} else {
		p.done(it)
	}
	p.giveBack(it)
	failpoint.Reach("stream.finish.after") // its offset is finished, not committed
}

// tell counts an event that has ended.
func (p *Processor) tell(e *event.Event, place event.Place) {
	now := time.Now()
	e.Timeline.Mark(event.StagePublish, now)
	p.meter.ended(e, place, now)
	if p.deps.Finished != nil {
		p.deps.Finished(e, place, now)
	}
}

// done finishes the offset of an item. p.mu is held.
func (p *Processor) done(it *item) {
	forgotten := it.part.offsets.finish(it.seq)
	it.part.changes++
	if !it.part.gone { // else letGo has counted them
		p.tracked -= forgotten
	}
}

// carry counts the bytes of a prediction until it is acknowledged: answers may
// be larger than their events.
func (p *Processor) carry(it *item, value []byte) {
	p.unsent.Add(int64(len(value)) - it.out)
	it.out = int64(len(value))
}

// giveBack ends what is under way for an item, and begins attempts that waited
// for the brokers. p.mu is held.
func (p *Processor) giveBack(it *item) {
	it.part.busy--
	it.part.settle()
	p.release(it)
	p.unsent.Add(-it.out)
	p.dispatch()
}

// abandon gives an item back without finishing its offset.
func (p *Processor) abandon(it *item) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handBack(it.event)
	p.giveBack(it)
}
