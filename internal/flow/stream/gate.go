package stream

import (
	"time"

	"betimes/internal/failpoint"
)

// The gate closes when nothing but failures of the endpoint came for a while:
// then it is asked now and then by one event instead of by all, fetching pauses
// while there are events that were not asked yet, and the member keeps its
// partitions. Those that were not asked yet come first, so that an event on which
// its model always fails is not all that is ever asked. The first answer opens the
// gate, and all that waited for the endpoint goes on at once.
const (
	gateAfter  = time.Second            // of failures alone
	probeEvery = 500 * time.Millisecond // while closed
)

// gate is guarded by Processor.mu.
type gate struct {
	since   time.Time // of the first failure since the last answer; zero: there is none
	closed  bool
	tries   int  // attempts that may begin although it is closed
	pending bool // a probe is on its way
}

// shut says that no attempt may begin.
func (g *gate) shut() bool { return g.closed && g.tries == 0 }

// endpointFailed notes a failure that is the endpoint's.
func (p *Processor) endpointFailed(now time.Time) {
	p.failing.Store(true)
	p.mu.Lock()
	defer p.mu.Unlock()
	g := &p.gate
	if g.since.IsZero() {
		g.since = now
	}
	if !g.closed && now.Sub(g.since) >= gateAfter {
		g.closed, g.tries = true, 0
		failpoint.Reach("stream.gate.closed") // every call fails, fetching pauses
		p.meter.gate.Set(1)
		p.deps.Log.Warn("every call fails, fetching pauses until one is answered", "since", g.since)
		p.changed("gate", "closed: every call fails")
	}
	p.probeAgain()
}

// probeAgain sees to it that a closed gate has a probe on its way: the one before
// may have been an event that asked nobody. p.mu is held.
func (p *Processor) probeAgain() {
	if g := &p.gate; g.closed && g.tries == 0 && !g.pending {
		g.pending = true
		time.AfterFunc(probeEvery, p.probe)
	}
}

// probe lets one event ask the endpoint.
func (p *Processor) probe() {
	p.mu.Lock()
	defer p.mu.Unlock()
	g := &p.gate
	g.pending = false
	if !g.closed || p.closing {
		return
	}
	g.tries = 1
	if p.ready.empty() {
		for it := range p.waiting {
			p.wake(it)
			break
		}
	}
	p.dispatch()
	if g.tries > 0 { // nobody was there to ask
		g.pending = true
		time.AfterFunc(probeEvery, p.probe)
	}
}

// endpointAnswered notes that a call was answered, whatever the answer.
func (p *Processor) endpointAnswered() {
	if !p.failing.Load() {
		return
	}
	p.failing.Store(false)
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.gate.closed
	p.gate = gate{pending: p.gate.pending}
	if !was {
		return
	}
	p.meter.gate.Set(0)
	p.deps.Log.Info("a call was answered, fetching goes on")
	p.changed("gate", "open: a call was answered")
	for it := range p.waiting {
		if it.away {
			p.wake(it)
		}
	}
	p.room.Broadcast()
	p.dispatch()
}

// wake ends the wait of an item before its time. p.mu is held.
func (p *Processor) wake(it *item) {
	p.waiting[it].Stop()
	delete(p.waiting, it)
	if it.part.gone {
		p.forget(it)
	} else {
		p.ready.push(it.lane)
	}
}
