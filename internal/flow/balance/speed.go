package balance

import (
	"math"
	"time"
)

// speed learns how long an endpoint takes from the calls that it answered.
//
// It is the mean of the newest sixteen without the two slowest: one slow call
// in a hundred says nothing about the next, three of sixteen do.
type speed struct {
	took  [samples]time.Duration
	count int // of took that are filled
	next  int
	mean  time.Duration // 0: not known
	doubt time.Duration // by which the mean may be wrong
	base  time.Duration // the shortest mean of the last minute or so: with few calls under way
	crowd float64       // calls under way when they began, in the mean
	at    time.Time     // of the newest
}

const (
	samples  = 16
	leaveOut = 6               // one of so many
	forget   = 2 * time.Second // without an answer: what came before says little
	rebase   = 30 * time.Second
	halfLife = time.Second // of what is known against an endpoint that is not asked
)

// note takes in an answered call.
func (s *speed) note(took time.Duration, n int, now time.Time) {
	since := now.Sub(s.at)
	if s.count > 0 && since > forget {
		*s = speed{}
	}
	s.at = now
	s.took[s.next] = took
	s.next = (s.next + 1) % samples
	s.count = min(s.count+1, samples)
	s.crowd += (float64(n) - s.crowd) / float64(s.count)
	s.mean = s.trimmed()
	s.base += time.Duration(float64(s.mean-s.base) * min(float64(since)/float64(rebase), 1))
	if s.count < samples/2 || s.mean < s.base {
		s.base = s.mean
	}
	s.doubt = s.spread()
}

// spread is three times the standard error of the mean, about: as far apart as the
// best and the worst of ten alike may seem.
func (s *speed) spread() time.Duration {
	var sum time.Duration
	for _, d := range s.took[:s.count] {
		sum += (d - s.mean).Abs()
	}
	each := float64(sum) / float64(s.count)
	return time.Duration(3 * each / math.Sqrt(float64(s.count)))
}

// trimmed is the mean without the slowest.
func (s *speed) trimmed() time.Duration {
	var sum, first, second time.Duration
	for _, d := range s.took[:s.count] {
		sum += d
		switch {
		case d > first:
			first, second = d, first
		case d > second:
			second = d
		}
	}
	out := s.count / leaveOut
	if out > 0 {
		sum -= first
	}
	if out > 1 {
		sum -= second
	}
	return sum / time.Duration(s.count-out)
}

// now is the mean, nearer to that of the best the longer it was not renewed.
func (s *speed) now(best time.Duration, now time.Time) time.Duration {
	excess := s.mean - best
	if excess <= 0 {
		return s.mean
	}
	since := now.Sub(s.at)
	if since < halfLife/4 {
		return s.mean
	}
	return best + time.Duration(float64(excess)*math.Exp2(-float64(since)/float64(halfLife)))
}
