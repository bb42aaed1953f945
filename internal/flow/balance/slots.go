package balance

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"time"
)

// slots are the calls at once that an endpoint takes, and the line of those that
// wait for one.
type slots struct {
	mu       sync.Mutex
	limit    limiter
	underWay int
	seq      uint64
	line     list.List // of *waiter
	returns  int       // calls between two tries: they hold no slot and will come back
	closed   time.Time // nothing begins before
	timer    *time.Timer
	service  time.Duration // smoothed time of an answered call
}

// slot is one call under way.
type slot struct {
	seq uint64
	n   int // calls under way when it began, itself included
}

type waiter struct{ granted chan slot }

// verdict is what a call says of how much its endpoint takes.
type verdict uint8

const (
	silent verdict = iota // nothing
	answered
	throttled
)

// errLate says that a call would begin after the latest moment for it.
var errLate = errors.New("too late to begin")

// take waits for a slot, at most until latest, when there is one. One who comes back
// goes to the head of the line.
func (s *slots) take(ctx context.Context, back bool, latest time.Time) (slot, error) {
	now := time.Now()
	s.mu.Lock()
	if back {
		s.returns--
	}
	if !latest.IsZero() && !now.Before(latest) {
		s.mu.Unlock()
		return slot{}, errLate
	}
	if (back || s.line.Len() == 0) && s.open(now) {
		defer s.mu.Unlock()
		return s.begin(), nil
	}
	w := &waiter{make(chan slot, 1)}
	var at *list.Element
	if back {
		at = s.line.PushFront(w)
	} else {
		at = s.line.PushBack(w)
	}
	s.mu.Unlock()
	var over <-chan time.Time
	if !latest.IsZero() {
		timer := time.NewTimer(latest.Sub(now))
		defer timer.Stop()
		over = timer.C
	}
	select {
	case got := <-w.granted:
		return got, nil
	case <-over:
		return slot{}, s.leave(w, at, errLate)
	case <-ctx.Done():
		return slot{}, s.leave(w, at, ctx.Err())
	}
}

// leave takes a waiter out of the line; a slot that it got meanwhile goes on to
// the next.
func (s *slots) leave(w *waiter, at *list.Element, why error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-w.granted:
		s.underWay--
		s.grant(time.Now())
	default:
		s.line.Remove(at)
	}
	return why
}

// open says whether a call may begin. s.mu is held.
func (s *slots) open(now time.Time) bool {
	return s.underWay < s.limit.at(now) && !now.Before(s.closed)
}

func (s *slots) begin() slot {
	s.underWay++
	s.seq++
	return slot{s.seq, s.underWay}
}

// grant gives free slots to those in front. s.mu is held.
func (s *slots) grant(now time.Time) {
	for s.line.Len() > 0 && s.open(now) {
		w := s.line.Remove(s.line.Front()).(*waiter)
		w.granted <- s.begin()
	}
}

// give ends a call, and tells the limit then. again says that it will be back.
func (s *slots) give(got slot, v verdict, took time.Duration, again bool) (limit int) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if again {
		s.returns++
	}
	switch v {
	case answered:
		s.limit.answered(got, now)
		s.service = smoothed(s.service, took)
	case throttled:
		if pause := s.limit.throttled(got, s.underWay, s.seq, now); pause > 0 {
			s.close(now, pause)
		}
	}
	s.underWay--
	s.grant(now)
	return s.limit.at(now)
}

// close lets nothing begin for a while. s.mu is held.
func (s *slots) close(now time.Time, pause time.Duration) {
	s.closed = now.Add(pause)
	if s.timer != nil {
		s.timer.Stop()
	}
	s.timer = time.AfterFunc(pause, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.grant(time.Now())
	})
}

// abandon is told by one who said that it would be back and is not.
func (s *slots) abandon() {
	s.mu.Lock()
	s.returns--
	s.mu.Unlock()
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
func (s *slots) capacity() (free, limit int, service time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	limit = s.limit.at(time.Now())
	return max(limit-s.underWay-s.line.Len()-s.returns, 0), limit, s.service
}
