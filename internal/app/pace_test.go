package app

import (
	"slices"
	"time"
)

// session is how long a silent worker keeps its partitions. It has half of it to
// finish and commit what it gives up.
const session = 6 * time.Second

// round is one turn of a worker: it waited as long as between two commits, wrote
// records and had them acknowledged by every replica. A commit takes no more.
type round struct{ From, To time.Time }

// pace is how quickly one worker goes, and its brokers with it.
type pace struct {
	from, to time.Time // of the worker; to is zero while it runs
	rounds   []round
}

// What may be in flight, and so be done again by another worker: what ended less
// than a second before, or while the worker had fewer than ten rounds. The second
// way is for a machine that stalls: there a second is nothing.
const (
	inFlight       = time.Second
	roundsInFlight = 10
)

// since is from when on what ended may be in flight at t.
func (p pace) since(t time.Time) time.Time {
	second := t.Add(-inFlight)
	if p.from.After(t) || !p.to.IsZero() && p.to.Before(t) {
		return second
	}
	begun, n := p.from, 0
	for _, r := range slices.Backward(p.rounds) {
		if r.To.After(t) {
			continue
		}
		if n++; n == roundsInFlight {
			begun = r.From
			break
		}
	}
	if begun.Before(second) {
		return begun
	}
	return second
}

// missed makes a disturbance of what a worker noticed at a time: that others do
// again what it has done. False: it had the time to commit that before.
func (p pace) missed(name string, at time.Time) (disturbance, bool) {
	f := disturbance{what: "worker " + name + " was missed", from: p.since(at.Add(-session)), done: at, to: at.Add(inFlight), takes: true, lost: true}
	slow := func(at time.Time) bool { return at.Sub(p.since(at)) > session/2 }
	return f, slow(at) || slow(at.Add(-inFlight)) // it notices a little after it goes on
}
