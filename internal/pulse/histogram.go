package pulse

import (
	"math/bits"
	"time"
)

// Histogram counts durations in buckets of at most 3.2 % width (32 to an
// octave, from 1 µs), sparsely: Counts[i] belongs to bucket Buckets[i], which
// rise. Two of them merge exactly.
type Histogram struct {
	Buckets []uint16 `json:"b,omitempty"`
	Counts  []int64  `json:"n,omitempty"`
	SumUS   int64    `json:"sum,omitempty"`
	MaxUS   int64    `json:"max,omitempty"`
}

const (
	subBits    = 5
	subCount   = 1 << subBits
	NumBuckets = subCount * (40 - subBits + 1) // up to 2^40 µs, some 12 days
)

// Bucket gives the bucket of a duration. Negative durations count as zero.
func Bucket(d time.Duration) int {
	us := uint64(max(d.Microseconds(), 0))
	if us < subCount {
		return int(us)
	}
	exp := bits.Len64(us) - subBits - 1
	return min(exp*subCount+int(us>>exp), NumBuckets-1)
}

// Upper gives the greatest duration of a bucket.
func Upper(bucket int) time.Duration {
	if bucket < 2*subCount {
		return time.Duration(bucket) * time.Microsecond
	}
	exp := bucket/subCount - 1
	low := uint64(bucket%subCount+subCount) << exp
	return time.Duration(low+(1<<exp)-1) * time.Microsecond
}
