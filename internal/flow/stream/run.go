package stream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"betimes/internal/failpoint"
)

// Run consumes until ctx ends, then finishes what is in work, commits and
// leaves the group.
func (p *Processor) Run(ctx context.Context) error {
	if p.exactly != nil {
		if err := p.exactly.fence(ctx); err != nil {
			return err
		}
		if ctx.Err() != nil { // asked to end before it began
			return nil
		}
	}
	member, err := p.deps.Join(Hooks{
		Assigned: p.assigned,
		Revoked:  p.revoked,
		Problem:  p.halted,
	})
	if err != nil {
		return fmt.Errorf("join group: %w", err)
	}
	p.mu.Lock()
	p.member, p.began = member, time.Now()
	if s, is := member.(sharing); is {
		p.shared = s.Shared
	}
	p.mu.Unlock()
	polling, stop := context.WithCancel(ctx)
	defer stop()
	var loops sync.WaitGroup
	loops.Go(func() { p.pollLoop(polling) })
	if p.exactly == nil {
		loops.Go(func() { p.commitLoop(polling) })
	} else {
		writing, end := context.WithCancel(context.WithoutCancel(ctx))
		defer end()
		go p.exactly.run(writing)
	}
	select {
	case <-ctx.Done():
	case err = <-p.failed:
	}
	stop()
	p.wakePoll()
	loops.Wait()
	return errors.Join(err, p.drain(context.WithoutCancel(ctx)))
}

// fail stops the processor with the first error.
func (p *Processor) fail(err error) {
	select {
	case p.failed <- err:
	default:
	}
}

// pollLoop takes fetches in while there is room for them.
func (p *Processor) pollLoop(ctx context.Context) {
	for p.waitForRoom(ctx) {
		if err := p.member.Poll(ctx, p.take); err != nil && ctx.Err() == nil {
			p.fail(fmt.Errorf("fetch: %w", err))
			return
		}
	}
}

// waitForRoom returns false when ctx has ended.
func (p *Processor) waitForRoom(ctx context.Context) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for ctx.Err() == nil && p.full() {
		p.room.Wait()
	}
	return ctx.Err() == nil
}

// wakePoll lets pollLoop look again.
func (p *Processor) wakePoll() {
	p.mu.Lock()
	p.room.Broadcast()
	p.mu.Unlock()
}

// drain finishes what is in work and what waits below it, hands back the rest,
// commits and leaves.
func (p *Processor) drain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.deps.Drain)
	defer cancel()
	failpoint.Reach("stream.drain.before") // asked to end, attempts still begin
	p.closeHoles(ctx, p.deps.Drain/holesShare)
	p.mu.Lock()
	p.closing = true
	p.dismiss()
	parts := make([]*partition, 0, len(p.parts))
	for id, part := range p.parts {
		p.letGo(part)
		parts = append(parts, part)
		delete(p.parts, id)
	}
	p.mu.Unlock()
	p.probation.close()
	if p.exactly != nil {
		p.exactly.hurry(1)
	}
	var errs []error
	for _, part := range parts {
		select {
		case <-part.idle:
		case <-ctx.Done():
			part.cancel()
			errs = append(errs, fmt.Errorf("partition %s/%d: not drained within %s; its events will be read again", part.id.Topic, part.id.Number, p.deps.Drain))
		}
	}
	failpoint.Reach("stream.drain.idle") // nothing is under way, not flushed
	if err := p.deps.Sink.Flush(ctx); err != nil {
		errs = append(errs, fmt.Errorf("flush: %w", err))
	}
	last, cancelLast := p.lastWords(ctx)
	defer cancelLast()
	failpoint.Reach("stream.drain.flushed") // flushed, the last commit not sent
	p.commit(last, func() []*partition { return parts })
	failpoint.Reach("stream.drain.committed")    // committed, still in the group
	if err := p.member.Leave(last); err != nil { // nothing is lost: the group finds out when the session ends
		p.deps.Log.Warn("the group is not told that this worker leaves; its partitions wait for the end of its session", "error", err)
	}
	failpoint.Reach("stream.drain.left") // out of the group, the process not ended
	for _, part := range parts {
		part.cancel()
	}
	p.sayAgain(parts)
	return errors.Join(errs...)
}

// leaveTime is for the last commit and for leaving when finishing took all the time there was.
const leaveTime = 5 * time.Second

// lastWords is the time for the last commit and for leaving, all that is left to
// drain: the group's coordinator may have been killed, and it takes brokers seconds
// to have another.
func (p *Processor) lastWords(drain context.Context) (context.Context, context.CancelFunc) {
	until := time.Now().Add(leaveTime)
	if end, has := drain.Deadline(); has && end.After(until) {
		until = end
	}
	return context.WithDeadline(context.WithoutCancel(drain), until)
}
