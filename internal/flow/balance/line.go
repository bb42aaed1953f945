package balance

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"time"

	"betimes/internal/model"
)

// line is where calls wait for an endpoint that takes them. It guards all that is
// learned of the endpoints.
type line struct {
	mu       sync.Mutex
	chooser  chooser
	waiting  list.List     // of *waiter
	returns  int           // calls between two tries: they hold no slot and will come back
	idle     *call         // kept for reuse, linked by next
	service  time.Duration // smoothed time of an answered call
	underWay int
	bad      float64   // share of the calls that failed, of about the last 64
	looking  bool      // those who wait look again soon
	refused  time.Time // newest call that an endpoint refused for load
}

// lookAgain is after how long those look again who wait for a fast endpoint though
// a slow one is free: the fast one may not answer any more.
const lookAgain = 20 * time.Millisecond

// call is one call under way. It is the line's; it may be used until it is given
// back.
type call struct {
	slot
	endpoint   *endpoint
	began      time.Time
	why        reason
	others     [alternatives]prediction // that were not taken, the best first
	prev, next *call                    // of the same endpoint, by age
}

// slot is what the limiter wants to know of a call.
type slot struct {
	seq uint64
	n   int // calls under way when it began, itself included
}

// alternatives are as many as a decision names.
const alternatives = 2

type waiter struct {
	ask     ask
	granted chan *call
}

// ask is what one who wants a slot says.
type ask struct {
	back     bool      // it comes between two tries
	tried    uint64    // endpoints, by bit, that failed it
	deadline time.Time // zero: none
	latest   time.Time // at which a call may begin; zero: none
	key      []byte
	now      time.Time // set by the line
}

// verdict is what a call says of how much its endpoint takes.
type verdict uint8

const (
	silent verdict = iota // nothing
	answered
	throttled
)

// errLate says that a call would begin after the latest moment for it.
var errLate = errors.New("too late to begin")

// take waits for a slot, at most until the latest moment for it, when there is one.
// One who comes back goes to the head of the line.
func (l *line) take(ctx context.Context, a ask) (*call, error) {
	now := time.Now()
	l.mu.Lock()
	if a.back {
		l.returns--
	}
	if !a.latest.IsZero() && !now.Before(a.latest) {
		l.mu.Unlock()
		return nil, errLate
	}
	if a.back || l.waiting.Len() == 0 {
		if got := l.begin(a, now); got != nil {
			l.mu.Unlock()
			return got, nil
		}
	}
	w := &waiter{a, make(chan *call, 1)}
	var at *list.Element
	if a.back {
		at = l.waiting.PushFront(w)
	} else {
		at = l.waiting.PushBack(w)
		if l.waiting.Front().Value.(*waiter).ask.tried != 0 { // it may not be waited for
			l.grant(now)
		}
	}
	l.mu.Unlock()
	var over <-chan time.Time
	if !a.latest.IsZero() {
		timer := time.NewTimer(a.latest.Sub(now))
		defer timer.Stop()
		over = timer.C
	}
	select {
	case got := <-w.granted:
		return got, nil
	case <-over:
		return nil, l.leave(w, at, errLate)
	case <-ctx.Done():
		return nil, l.leave(w, at, ctx.Err())
	}
}

// leave takes a waiter out of the line; a slot that it got meanwhile goes on to
// the next.
func (l *line) leave(w *waiter, at *list.Element, why error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case got := <-w.granted:
		got.endpoint.standing.unclear(got.why == probing)
		l.end(got)
		l.grant(time.Now())
	default:
		l.waiting.Remove(at)
	}
	return why
}

// begin gives a slot of the endpoint that is best for it, nil when it has to
// wait. l.mu is held.
func (l *line) begin(a ask, now time.Time) *call {
	a.now = now
	found := l.chooser.choose(a, l.waiting.Len())
	if found.look && !l.looking {
		l.looking = true
		l.wake(lookAgain)
	}
	if found.endpoint == nil {
		return nil
	}
	got := l.idle
	if got == nil {
		got = &call{}
	} else {
		l.idle = got.next
	}
	*got = call{slot: found.endpoint.begin(now), endpoint: found.endpoint, began: now, why: found.why, others: found.others}
	found.endpoint.calls.push(got)
	l.chooser.calls++
	l.underWay++
	return got
}

// end takes a call out of the books. l.mu is held.
func (l *line) end(c *call) {
	c.endpoint.calls.remove(c)
	c.endpoint.underWay--
	l.underWay--
	*c = call{next: l.idle}
	l.idle = c
}

// grant gives free slots to those in front. One that waits for another endpoint
// than failed it holds up nobody. l.mu is held.
func (l *line) grant(now time.Time) {
	for at := l.waiting.Front(); at != nil; {
		w, next := at.Value.(*waiter), at.Next()
		got := l.begin(w.ask, now)
		switch {
		case got != nil:
			l.waiting.Remove(at)
			w.granted <- got
		case w.ask.tried == 0 || !l.chooser.any(func(e *endpoint) bool { return e.open(now) }):
			return
		}
		at = next
	}
}

// give ends a call that ended so, and tells the endpoint's limit then. again says
// that it will be back.
func (l *line) give(c *call, r result, again bool) (limit int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if again {
		l.returns++
	}
	e := c.endpoint
	switch r.verdict() {
	case answered:
		l.service = smoothed(l.service, r.took)
	case throttled:
		l.refused = r.now
	}
	pause, bad := e.ended(c, r)
	if pause > 0 {
		e.closed = r.now.Add(pause)
		l.wake(pause)
	}
	if bad {
		l.chooser.judge(e, r.now)
	}
	l.count(r)
	e.meter.out.Set(outOf(e))
	l.end(c)
	l.grant(r.now)
	return e.limit.at(r.now)
}

// count counts a call that was answered or failed. l.mu is held.
func (l *line) count(r result) {
	class := model.Class(r.class)
	switch {
	case r.class == ok || class.OfEvent():
		l.bad -= l.bad / 64
	case class == model.ClassCanceled || class == model.ClassThrottled || class == model.ClassLate:
	default:
		l.bad += (1 - l.bad) / 64
	}
}

// wake looks at those who wait after a while. l.mu is held.
func (l *line) wake(after time.Duration) {
	time.AfterFunc(after, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.looking = false
		l.grant(time.Now())
	})
}

// another says whether an endpoint that was not tried could be asked now.
func (l *line) another(a ask) bool {
	if len(l.chooser.endpoints) == 1 {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	return l.chooser.any(func(e *endpoint) bool { return a.tried&e.bit == 0 && e.standing.in() && e.open(now) })
}

// returning is told by one without a slot that it will be back, 1, or that it will
// not although it said so, -1.
func (l *line) returning(more int) {
	l.mu.Lock()
	l.returns += more
	l.mu.Unlock()
}

// smoothed is a mean over about the last sixteen.
func smoothed(mean, took time.Duration) time.Duration {
	if mean == 0 {
		return took
	}
	return mean + (took-mean)/16
}

// capacity tells how many more calls could begin now, how many there may be at
// once, and how long one takes.
func (l *line) capacity() (free, limit int, service time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	limit = l.chooser.limit(time.Now())
	return max(limit-l.underWay-l.waiting.Len()-l.returns, 0), limit, l.service
}
