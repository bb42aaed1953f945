package batch

import (
	"math"
	"slices"
	"time"
)

// share is what the next call takes of those who wait when other calls end soon. To
// take them all would leave the next call nothing but who comes meanwhile: calls
// would be large and small in turn, and end about the same time, although halves
// between each other would be over sooner and leave nobody waiting as long.
//
//	           now     other ends
//	take all    ├──────────────┤      share   ├────────┤
//	                ├──┤                          ├────────┤
//
// No call takes more than its part of what there will be until others end; less
// still when they end at about the same time, which moves them apart. Nobody is left
// where those left would lose more by the wait than those who go gain. It is guarded
// by the mutex of its Queue.
type share struct {
	flights []*flight // under way
	left    []float64 // seconds until they end
	came    int       // events since at
	rate    float64   // events a second
	at      time.Time
}

const (
	rateOver  = 50 * time.Millisecond // mean age of what the rate is made of
	aside     = 0.25                  // of what is left to others, left to them beside it
	worthLeft = 0.05                  // of how long the call takes: what it gains at least
)

// begins and ends note a call.
func (s *share) begins(f *flight) { s.flights = append(s.flights, f) }

func (s *share) ends(f *flight) {
	if i := slices.Index(s.flights, f); i >= 0 {
		s.flights = slices.Delete(s.flights, i, i+1)
	}
}

// observe brings the rate up to now.
func (s *share) observe(now time.Time) {
	since := now.Sub(s.at)
	if since <= 0 {
		return
	}
	if s.at.IsZero() || since > 20*rateOver {
		s.rate = 0
	} else {
		keep := math.Exp(-float64(since) / float64(rateOver))
		s.rate = keep*s.rate + (1-keep)*float64(s.came)/since.Seconds()
	}
	s.came, s.at = 0, now
}

// remaining is how long the calls under way still take, in order, and 0 for each that
// there are fewer than so many.
func (s *share) remaining(atLeast int, c *cost, now time.Time) []float64 {
	s.left = s.left[:0]
	for range atLeast - len(s.flights) {
		s.left = append(s.left, 0)
	}
	for _, f := range s.flights {
		s.left = append(s.left, max(c.seconds(float64(f.n))-now.Sub(f.began).Seconds(), 0))
	}
	slices.Sort(s.left)
	return s.left
}

// of is how many of those who wait a call takes, when there may be so many calls at
// once, and how long it is until the next one for those left: over calls of them make
// room for none, since there are more than there may be.
func (s *share) of(waiting, room, over int, c *cost, now time.Time) (n int, next time.Duration) {
	s.observe(now)
	if waiting < 2 || room < 2 || c.weight == 0 {
		return waiting, 0
	}
	s.remaining(room-1, c, now)
	all := float64(waiting)
	part := all
	for i, left := range s.left {
		part = min(part, (all+s.rate*left)/float64(i+2))
	}
	part *= 1 - aside*(1-part/all)
	gained, burst := c.each*(all-part), s.rate*c.seconds(all) < all
	begins := s.left[min(over, len(s.left)-1)]
	if gained < worthLeft*c.seconds(all) || burst && begins > 2*c.each*part {
		return waiting, 0
	}
	return int(math.Ceil(part)), time.Duration(begins * float64(time.Second))
}
