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
	where  int       // its step
	until  time.Time // when that is worked out anew
}

// estimate is what is known of one step.
type estimate struct {
	even, sure time.Duration
	known      bool
	until      time.Time // when it is worked out anew
}

// with gives what is nearly sure to do, or has an even chance.
func (e estimate) with(sure bool) time.Duration {
	if sure {
		return e.sure
	}
	return e.even
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

// least is what it takes where the fewest wait for others, as far as that is known, and
// at which step.
func (c *curve) least(now time.Time) (time.Duration, int) {
	if now.Before(c.until) {
		return c.lowest, c.where
	}
	c.lowest, c.where, c.until = 0, 0, now.Add(renew)
	for step := range c.steps {
		if e := c.at(step, now); e.known && (c.lowest == 0 || e.even < c.lowest) {
			c.lowest, c.where = e.even, step
		}
	}
	return c.lowest, c.where
}

// lowest keeps the least of the last half or whole minute, and its step.
type lowest struct {
	now, before         time.Duration // zero: none
	nowStep, beforeStep int
	turn                time.Time
}

const turn = 30 * time.Second

func (l *lowest) note(d time.Duration, step int, at time.Time) {
	if at.After(l.turn) {
		l.before, l.beforeStep, l.now, l.turn = l.now, l.nowStep, 0, at.Add(turn)
	}
	if d > 0 && (l.now == 0 || d < l.now) {
		l.now, l.nowStep = d, step
	}
}

// get gives the least; zero: none is known.
func (l *lowest) get() (time.Duration, int) {
	if l.now == 0 || l.before != 0 && l.before < l.now {
		return l.before, l.beforeStep
	}
	return l.now, l.nowStep
}

// exceeded says that a step has a line: it takes longer than the least, or there is
// none from further below to tell by.
func (l *lowest) exceeded(even time.Duration, step int) bool {
	least, at := l.get()
	return float64(even) > rising*float64(least) || at > 0 && at >= step-1
}
