package balance

import (
	"math"
	"time"
)

// standing is whether an endpoint takes part.
//
//	in ──► a fault of its own (no connection, 503, …): out for a moment, after the next one longer
//	   ──► fails most of its calls while the others do not: out
//	out ─► one call after a while, and not of few: answered ► in, with few calls at first
//
// An endpoint that fails quickly is never the fastest: only answers count as speed.
type standing struct {
	faults int       // of its own, one after the other
	failed int       // calls, one after the other
	bad    float64   // share of failed calls, of about the last five
	badAt  time.Time // when bad was counted; it fades
	out    time.Time // until which it is not asked; zero: it takes part
	judged bool      // it is out because it fails more than the others
	trying bool      // the one call that finds out is under way
	next   uint64    // call of all that may find out, after one that did; later any
	tries  int       // calls that were to find out, since it is out
	since  time.Time // it takes part; zero: for long
}

const (
	firstOut  = 250 * time.Millisecond
	otherOut  = 1250 * time.Millisecond // so that it has half of its part within three seconds of being well
	apart     = 150                     // calls from one that finds out to the next, at least, so that few do when there are few
	badWeight = 0.2
	mostlyBad = 0.5
	longest   = 4 // times that what any call waits for to find out has doubled, at most: 20 s
	enough    = 3 // failed calls, one after the other, that make a judgement
	ramp      = 1500 * time.Millisecond
	rampFrom  = 0.1
)

// works takes in a call that shows that the endpoint does its work; trial: the one
// that was to find out.
func (s *standing) works(trial bool, now time.Time) {
	s.count(0, now)
	s.faults, s.failed = 0, 0
	if !s.in() && (trial || !now.Before(s.out)) {
		*s = standing{since: now}
	}
}

// fault takes in a failure of the endpoint itself.
func (s *standing) fault(now time.Time) {
	s.faults++
	span := firstOut
	if s.faults > 1 {
		span = otherOut
	}
	s.leave(now.Add(span))
}

// fails takes in a failure of which it is not known whose it is. It says whether
// the endpoint fails most of its calls.
func (s *standing) fails(trial bool, now time.Time) bool {
	s.count(1, now)
	s.failed++
	if trial {
		s.leave(now.Add(otherOut))
	}
	return s.failed >= enough || s.bad > mostlyBad
}

// unclear takes in a call that says nothing.
func (s *standing) unclear(trial bool) {
	if trial {
		s.trying, s.next = false, 0
		s.tries--
	}
}

// leave takes it out. One that is out longer stays so.
func (s *standing) leave(until time.Time) {
	s.trying = false
	if until.After(s.out) {
		s.out = until
	}
}

func (s *standing) count(failed float64, now time.Time) {
	s.bad = s.badness(now)
	s.bad += badWeight * (failed - s.bad)
	s.badAt = now
}

// badness is the share of failed calls, less the longer none was made.
func (s *standing) badness(now time.Time) float64 {
	if s.bad < 0.01 {
		return 0
	}
	return s.bad * math.Exp2(-float64(now.Sub(s.badAt))/float64(halfLife))
}

// in says whether it takes part.
func (s *standing) in() bool { return s.out.IsZero() }

// due says whether this call may find out if it does its work again. Of few calls ever
// fewer do: each may wait as long as a call may take.
func (s *standing) due(call uint64, now time.Time) bool {
	if s.in() || s.trying || now.Before(s.out) {
		return false
	}
	return call >= s.next || !now.Before(s.out.Add(otherOut<<min(max(s.tries-1, 0), longest)))
}

// try says that this call finds out.
func (s *standing) try(call uint64) {
	s.trying, s.next = true, call+apart
	s.tries++
}

// share is the part of its calls that it gets after it came back.
func (s *standing) share(now time.Time) float64 {
	if s.since.IsZero() {
		return 1
	}
	part := float64(now.Sub(s.since)) / float64(ramp)
	if part >= 1 {
		s.since = time.Time{}
		return 1
	}
	return rampFrom + (1-rampFrom)*part
}
