package stream

import (
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"betimes/internal/event"
	"betimes/internal/failpoint"
)

// attempt works once on an item and deals with the ending. It tells what that
// says of the endpoint: the verdict, and whether it was waited for.
func (p *Processor) attempt(it *item) (s sample) {
	e := it.event
	if !p.begin(it) || !p.inTurn(it) {
		return sample{verdict: nothing}
	}
	if e.Attempts == 0 {
		e.Timeline.Mark(event.StageQueue, time.Now())
	} else {
		e.Timeline.Mark(event.StageRetry, time.Now())
	}
	e.Attempts++
	before := e.Timeline
	failpoint.Reach("stream.attempt.before") // in its turn, the model not asked
	began := time.Now()
	ending := p.try(it)
	s.held = waitedMost(before, e.Timeline, time.Since(began))
	failpoint.Reach("stream.attempt.after") // the model has answered, nothing written
	s.verdict = p.judge(it, ending)
	if ending.Place == event.Unfinished && it.part.ctx.Err() == nil {
		if ending.Stage != event.StageFeature { // else it waits for what it is decoded with
			p.probation.hold(it, ending) // never held: it could be decoded
		}
		if ending.Counted {
			it.counted++
		}
		it.noteFailure(time.Now())
		it.cause = ending.Err
		if !ending.Counted || it.counted < p.config.tries(ending.Reason) {
			failpoint.Reach("stream.retry.before") // failed, not waiting for another attempt yet
			e.Timeline = before                    // the failed attempt is part of retry
			p.wait(it, ending)
			return s
		}
		failpoint.Reach("stream.attempts.used") // no attempt left, its dead letter not made
		ending.Place = event.DeadLetter
		if ending.Reason == "" {
			ending.Reason = event.ReasonAttempts
		}
	}
	if ending.Place == event.Shed {
		ending.Err = it.failedBefore(ending.Err)
	}
	p.end(it, ending)
	return s
}

// judge tells the gate what an attempt says of the endpoint, if anything.
func (p *Processor) judge(it *item, ending event.Ending) verdict {
	it.away = ending.Place == event.Unfinished && !ending.Counted
	switch {
	case it.part.ctx.Err() != nil: // the attempt was called off
		return nothing
	case ending.Place == event.Shed && ending.Stage != event.StageModel: // nobody was asked
		return nothing
	case it.away:
		p.endpointFailed(time.Now())
		if ending.Throttled {
			return throttled
		}
		return troubled
	case ending.Place == event.Predicted || ending.Stage == event.StageModel:
		p.endpointAnswered()
	}
	return answered
}

// waitedMost says whether most of an attempt was a wait until its endpoint took the
// call: how many those are is not this room's to learn.
func waitedMost(before, after event.Timeline, took time.Duration) bool {
	was, _ := before.Spent(event.StageBalance)
	is, _ := after.Spent(event.StageBalance)
	return 2*(is-was) > took
}

// begin counts an attempt, or drops the item when its partition has gone.
func (p *Processor) begin(it *item) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if it.part.gone {
		p.forget(it)
		return false
	}
	it.part.busy++
	return true
}

// forget drops the first item of a lane and what waits behind it: its partition
// has gone, the next owner reads it again.
func (p *Processor) forget(it *item) {
	p.dropWaiting(it.lane)
	p.handBack(it.event)
	p.release(it)
	p.leave(it.lane)
}

// try calls Work; a panic ends the event and nobody else.
func (p *Processor) try(it *item) (ending event.Ending) {
	defer func() {
		if r := recover(); r != nil {
			p.deps.Log.Error("panic while working on an event", "panic", fmt.Sprint(r), "source", it.event.Source.String(), "stack", string(debug.Stack()))
			ending = event.Fail(event.ReasonInternal, event.StageFeature, fmt.Errorf("internal error: %v", r))
		}
	}()
	return p.deps.Work(it.part.ctx, it.event)
}

// failedBefore is why an event was shed, with what its attempt before came to: else
// nobody who reads that it was late learns that its model failed.
func (it *item) failedBefore(err error) error {
	if it.cause == nil || err == nil {
		return err
	}
	return fmt.Errorf("%w; attempt %d came to: %s", err, it.event.Attempts-1, it.cause)
}

// noteFailure keeps the times of the first and the newest failure.
func (it *item) noteFailure(at time.Time) {
	if it.failed.IsZero() {
		it.failed = at
	}
	it.last, it.event.Failed = at, at
}

// wait lets the item, and with it its lane, be ready again after a pause. No
// slot is held meanwhile.
func (p *Processor) wait(it *item, ending event.Ending) {
	pause := max(p.backoff(it.event.Attempts, ending.Reason), ending.After)
	p.mu.Lock()
	defer p.mu.Unlock()
	it.part.busy--
	it.part.settle()
	if it.part.gone { // the next owner tries
		p.forget(it)
		return
	}
	p.meter.retries.Inc()
	p.waiting[it] = time.AfterFunc(pause, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.waiting[it] != nil { // else it was woken before
			failpoint.Reach("stream.retry.wake") // has waited, the next attempt not begun
			p.wake(it)
			p.dispatch()
		}
	})
}

// backoff doubles from min to max, with a quarter of jitter.
func (p *Processor) backoff(attempt int, reason event.Reason) time.Duration {
	least, most := p.config.pauses(reason)
	d := least << min(attempt-1, 16)
	if d > most || d <= 0 {
		d = most
	}
	return d - time.Duration(rand.Int64N(int64(d)/4+1))
}
