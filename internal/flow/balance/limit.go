package balance

import (
	"math"
	"time"
)

// limiter learns how many calls at once an endpoint takes, from the calls that it
// refuses for load. It is guarded by the mutex of its slots.
//
//	limit   ┌ the last slot was used and answered: more, by one more each time
//	      ╱ × one of n calls under way is refused
//	    ╱   │      ╱──── n-1, for a while that doubles each time
//	  ╱     └────╱       the same n is found, then more again
//	        0.7 n  a quarter of a second
//
// What the calls say that were under way at a refusal is counted, not answered
// with a cut each: as many as were refused were too many. A single refusal at a
// level that held for a whole round is none: a call may overtake the end of the
// one before it. Two within a round are.
type limiter struct {
	ceiling int
	limit   int // in force, but for what has grown back since the cut
	cut     time.Time
	from    int    // limit right after the cut
	plateau int    // to which it grows back
	refused int    // calls under way that were too many by one; 0: none that is remembered
	step    int    // by which more is tried
	epoch   uint64 // newest call that had begun at the cut
	trusted int    // level that held for a round
	round   round

	until    time.Time // before which no more than the plateau is tried
	patience time.Duration
	settled  int // refused of the time before
	pause    time.Duration
}

// round is as many calls as there are slots, ten at least.
type round struct{ answered, refused int }

const (
	cutBy       = 0.7
	yield       = 0.9 // of what is found when it is less than before
	regrow      = 250 * time.Millisecond
	patienceMin = time.Second
	patienceMax = 5 * time.Second
	roundLeast  = 10
	pauseMin    = 50 * time.Millisecond // when even a lone call is refused
	pauseMax    = time.Second
)

func newLimiter(ceiling int) limiter {
	ceiling = max(ceiling, 1)
	return limiter{ceiling: ceiling, limit: ceiling, patience: patienceMin}
}

// at gives the limit at a moment.
func (l *limiter) at(now time.Time) int {
	if l.refused == 0 || l.limit >= l.plateau {
		return l.limit
	}
	since := now.Sub(l.cut)
	if since >= regrow {
		l.limit = l.plateau
	} else if since > 0 {
		l.limit = max(l.limit, l.from+int(float64(l.plateau-l.from)*float64(since)/float64(regrow)))
	}
	return l.limit
}

// answered takes in a call that was not refused.
func (l *limiter) answered(s slot, now time.Time) {
	l.pause = 0
	limit := l.at(now)
	if s.n < limit {
		return // a number that nobody needs is not tried
	}
	if l.round.answered++; l.round.answered >= max(limit, roundLeast) {
		if l.round.refused == 0 {
			l.trusted = limit
		}
		l.round = round{}
	}
	if l.refused > 0 {
		if limit < l.plateau || !now.After(l.until) {
			return
		}
		l.settled, l.refused = l.refused, 0
	}
	l.step++
	l.limit = min(limit+l.step, l.ceiling)
}

// throttled takes in a call that was refused for load while so many were under way,
// itself included. It says how long nothing may be asked: only when there is no
// smaller number to try.
func (l *limiter) throttled(s slot, underWay int, newest uint64, now time.Time) time.Duration {
	l.round.refused++
	if underWay <= l.trusted && l.round.refused < 2 {
		return 0
	}
	if s.seq > l.epoch {
		l.epoch = newest
		l.remember(underWay)
		l.until = now.Add(l.patience)
		l.fall(underWay, now)
		if underWay < l.settled { // others ask too, or it takes less: leave them some
			l.plateau = max(int(yield*float64(l.plateau)), 1)
		}
	} else if l.refused > 1 {
		l.fall(l.refused-1, now)
	}
	if underWay > 1 {
		return 0
	}
	l.pause = min(max(2*l.pause, pauseMin), pauseMax)
	return l.pause
}

// fall is the cut when n calls under way are too many by one.
func (l *limiter) fall(n int, now time.Time) {
	l.refused, l.plateau = n, max(n-1, 1)
	l.from = max(int(cutBy*float64(n)), 1)
	l.limit, l.cut = min(l.limit, l.from), now
	l.trusted = min(l.trusted, l.plateau)
	l.round, l.step = round{}, 0
}

// remember waits longer until the next trial when the same is found again.
func (l *limiter) remember(n int) {
	if math.Abs(float64(n-l.settled)) <= math.Max(1, 0.1*float64(n)) {
		l.patience = min(2*l.patience, patienceMax)
	} else {
		l.patience = patienceMin
	}
}

// scale follows another number of instances.
func (l *limiter) scale(by float64) {
	if l.refused == 0 && l.limit == l.ceiling {
		return // nothing was learned
	}
	most := max(l.limit, l.plateau)
	l.limit = min(max(int(by*float64(most)), 1), l.ceiling)
	l.refused, l.trusted, l.settled, l.patience, l.round, l.step = 0, 0, 0, patienceMin, round{}, 0
}
