package budget

import (
	"math"
	"math/bits"
	"time"
)

// Recent knows how long something took lately. What is a second old counts half.
// The zero Recent knows nothing. It is not safe for concurrent use.
type Recent struct {
	weights [recentBuckets]float64
	total   float64
	base    time.Time // at which a duration weighed 1
}

const (
	recentBits    = 3 // 8 buckets to an octave: 9 % each
	recentBuckets = (32 - recentBits + 1) << recentBits
	halfLife      = time.Second
	heaviest      = 1e9
)

// Add takes a duration in.
func (r *Recent) Add(d time.Duration, now time.Time) {
	w := r.weigh(now)
	r.weights[bucket(d)] += w
	r.total += w
}

// weigh is what a duration of now weighs; from time to time all is made lighter.
func (r *Recent) weigh(now time.Time) float64 {
	if r.base.IsZero() {
		r.base = now
	}
	w := math.Exp2(float64(now.Sub(r.base)) / float64(halfLife))
	if w < heaviest {
		return w
	}
	r.base = now
	r.total = 0
	for i := range r.weights {
		r.weights[i] /= w
		r.total += r.weights[i]
	}
	return 1
}

// Weight is how many durations are known, old ones counted less.
func (r *Recent) Weight(now time.Time) float64 {
	if r.total == 0 {
		return 0
	}
	return r.total / math.Exp2(float64(now.Sub(r.base))/float64(halfLife))
}

// Quantile is the duration that the share q of the known ones did not exceed, within
// the width of a bucket; zero when none is known.
func (r *Recent) Quantile(q float64) time.Duration {
	if r.total == 0 {
		return 0
	}
	left := q * r.total
	last := 0
	for i, w := range r.weights {
		if w == 0 {
			continue
		}
		if last = i; left <= w {
			break
		}
		left -= w
	}
	return upper(last)
}

func bucket(d time.Duration) int {
	us := uint64(min(max(d.Microseconds(), 0), math.MaxUint32))
	if us < 1<<recentBits {
		return int(us)
	}
	octave := bits.Len64(us) - recentBits - 1
	return octave<<recentBits + int(us>>octave)
}

// upper is the longest duration of a bucket.
func upper(bucket int) time.Duration {
	if bucket < 2<<recentBits {
		return time.Duration(bucket) * time.Microsecond
	}
	octave := bucket>>recentBits - 1
	low := uint64(bucket&(1<<recentBits-1)|1<<recentBits) << octave
	return time.Duration(low+1<<octave-1) * time.Microsecond
}
