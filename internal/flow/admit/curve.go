package admit

import (
	"math"
	"time"

	"betimes/internal/budget"
)

// curve knows how long something took lately, by how many events were inside. It is
// not safe for concurrent use.
type curve struct {
	steps  [curveSteps]budget.Recent
	newest [curveSteps]time.Time
	seen   [curveSteps]estimate
	lowest time.Duration
	until  time.Time // when that is worked out anew
}

// estimate is what is known of one step.
type estimate struct {
	even, sure time.Duration
	known      bool
	until      time.Time // when it is worked out anew
}

const (
	curveSteps = 24          // two to an octave: up to 4096 inside
	enough     = 5           // durations that are needed to know
	fresh      = time.Second // without a new one, all that was known of a step may be another time's
	renew      = 20 * time.Millisecond
	leeway     = 1.5 // times what is in proportion: calls come in lumps
	rising     = 1.3 // times what it takes at least: there is a line
)

func stepOf(inside int) int {
	return min(max(int(2*math.Log2(float64(max(inside, 1)))), 0), curveSteps-1)
}

// top is how many are inside at the end of a step.
func top(step int) float64 { return math.Exp2(float64(step+1) / 2) }

func (c *curve) add(inside int, took time.Duration, now time.Time) {
	step := stepOf(inside)
	c.steps[step].Add(took, now)
	c.newest[step] = now
}

// at gives what is known of one step.
func (c *curve) at(step int, now time.Time) estimate {
	e := &c.seen[step]
	if now.Before(e.until) {
		return *e
	}
	r := &c.steps[step]
	e.known, e.until = now.Sub(c.newest[step]) < fresh && r.Weight(now) >= enough, now.Add(renew)
	if e.known {
		e.even, e.sure = r.Quantile(budget.Even), r.Quantile(budget.Sure)
	}
	return *e
}

// predict tells how long it takes with so many inside. Beyond what is known it is as
// long as at the most that is known, or than the endpoint takes at once, and from
// there on longer in proportion. In proportion it also bounds what is said to be: a
// line is no longer than that, but what came rarely may be of another time.
func (c *curve) predict(inside, takes int, now time.Time) estimate {
	step, from := stepOf(inside), 0
	var e estimate
	for s := range step + 1 {
		own := c.at(s, now)
		if !own.known {
			continue
		}
		if e.known {
			most := leeway * top(s) / top(from)
			own.even, own.sure = min(own.even, stretched(e.even, most)), min(own.sure, stretched(e.sure, most))
		}
		e, from = own, s
	}
	by := float64(inside) / max(top(from), float64(takes))
	e.even, e.sure = stretched(e.even, by), stretched(e.sure, by)
	return e
}

func stretched(d time.Duration, by float64) time.Duration {
	return time.Duration(float64(d) * max(by, 1))
}

// least is what it takes where the fewest wait for others, as far as that is known.
func (c *curve) least(now time.Time) time.Duration {
	if now.Before(c.until) {
		return c.lowest
	}
	c.lowest, c.until = 0, now.Add(renew)
	for step := range c.steps {
		if e := c.at(step, now); e.known {
			c.lowest = smaller(c.lowest, e.even)
		}
	}
	return c.lowest
}

// lowest keeps the least of a value in the last half or whole minute.
type lowest struct {
	now, before time.Duration // zero: none
	turn        time.Time
}

const turn = 30 * time.Second

func (l *lowest) of(d time.Duration, now time.Time) time.Duration {
	if now.After(l.turn) {
		l.now, l.before, l.turn = 0, l.now, now.Add(turn)
	}
	l.now = smaller(l.now, d)
	return smaller(l.now, l.before)
}

// smaller of two, of which zero is none.
func smaller(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
