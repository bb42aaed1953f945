package batch

import (
	"math"
	"time"
)

// line is how long a call takes, in seconds, over the number of its events.
type line struct{ fixed, each float64 }

func (l line) seconds(n float64) float64 { return l.fixed + l.each*n }

// cost is the line that is fitted to the calls that were answered, the older the
// less. One call that is far off is taken for one that is not so far; three in
// a row on the same side say that the model is another now, and what was known
// counts little. It is guarded by the mutex of its Queue.
type cost struct {
	line
	off float64 // mean distance of a call from the line, seconds

	weight, n, t, nn, nt float64 // sums over calls
	newest               time.Time
	ratio                float64 // each ÷ fixed, as sizes last told them apart
	strange              int     // calls in a row that were far off; negative: below
}

const (
	keepCall   = 1 - 1.0/64      // of what is known, when another call is
	keepFor    = 2 * time.Second // mean life of what is known
	offBy      = 1.0 / 16        // weight of a call in the mean distance
	farTimes   = 4               // mean distances: what is beyond is far off
	farShare   = 0.25            // of the line, at least
	anotherNow = 3               // calls in a row
	doubted    = 0.1             // of what was known, kept then
	ridge      = 1.0             // events²: weight of the ratio before, where all sizes are alike
	firstRatio = 0.25
	mostRatio  = 100
	surely     = 2 // mean distances above the line are what is reckoned with
)

// predict is how long a call about n events may well take; 0: nothing is known.
func (c *cost) predict(n int) time.Duration {
	if c.weight == 0 {
		return 0
	}
	return time.Duration((c.seconds(float64(n)) + surely*c.off) * float64(time.Second))
}

// fits is how many events a call may be about that has to be over within left, at
// most most; 0: not even one.
func (c *cost) fits(left time.Duration, most int) int {
	room := left.Seconds() - surely*c.off - c.fixed
	switch {
	case c.weight == 0:
		return most
	case c.predict(1) >= left:
		return 0
	case c.each*float64(most) < room:
		return most
	}
	n := max(int(room/c.each), 1)
	for n > 1 && c.predict(n) >= left {
		n--
	}
	return min(n, most)
}

// add takes in a call about n events.
func (c *cost) add(n int, took time.Duration, now time.Time) {
	c.forget(now)
	seconds := took.Seconds()
	if c.weight > 1 {
		seconds = c.judge(n, seconds)
	}
	x := float64(n)
	c.weight, c.n, c.t = c.weight+1, c.n+x, c.t+seconds
	c.nn, c.nt = c.nn+x*x, c.nt+x*seconds
	c.fit()
}

func (c *cost) forget(now time.Time) {
	keep := keepCall
	if since := now.Sub(c.newest); since > 0 && !c.newest.IsZero() {
		keep *= math.Exp(-float64(since) / float64(keepFor))
	}
	c.newest = now
	c.scale(max(keep, 1e-6))
}

func (c *cost) scale(by float64) {
	c.weight, c.n, c.t, c.nn, c.nt = by*c.weight, by*c.n, by*c.t, by*c.nn, by*c.nt
}

// judge is what a call is taken for.
func (c *cost) judge(n int, seconds float64) float64 {
	line := c.seconds(float64(n))
	bound := max(farTimes*c.off, farShare*line)
	far := seconds - line
	switch {
	case far > bound:
		c.strange = max(c.strange, 0) + 1
	case far < -bound:
		c.strange = min(c.strange, 0) - 1
	default:
		c.strange = 0
	}
	if c.strange >= anotherNow || c.strange <= -anotherNow {
		c.strange = 0
		c.scale(doubted)
	} else {
		far = min(max(far, -bound), bound)
	}
	c.off += offBy * (min(math.Abs(far), bound) - c.off)
	return line + far
}

// fit draws the line anew.
func (c *cost) fit() {
	meanN, meanT := c.n/c.weight, c.t/c.weight
	spread := c.nn - c.n*meanN
	slope := c.ratio
	if slope == 0 {
		slope = firstRatio
	}
	slope *= meanT / (1 + slope*meanN) // what the ratio makes of the mean
	slope = (c.nt - c.t*meanN + ridge*slope) / (spread + ridge)
	c.each = min(max(slope, 0), meanT/meanN)
	c.fixed = max(meanT-c.each*meanN, 0)
	if spread > 4*ridge {
		c.ratio = min(c.each/max(c.fixed, 1e-9), mostRatio)
		c.ratio = max(c.ratio, 1e-6)
	}
}
