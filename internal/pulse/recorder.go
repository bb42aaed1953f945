package pulse

import (
	"slices"
	"sync/atomic"
	"time"
)

// Recorder counts durations without locks; any number of goroutines may
// Record. Snapshot gives what it counted so far.
type Recorder struct {
	counts [NumBuckets]atomic.Int64
	sum    atomic.Int64
	max    atomic.Int64
}

// Record counts one duration.
func (r *Recorder) Record(d time.Duration) {
	us := max(d.Microseconds(), 0)
	r.counts[Bucket(d)].Add(1)
	r.sum.Add(us)
	for {
		old := r.max.Load()
		if us <= old || r.max.CompareAndSwap(old, us) {
			return
		}
	}
}

// Snapshot returns the counts so far.
func (r *Recorder) Snapshot() Histogram {
	h := Histogram{SumUS: r.sum.Load(), MaxUS: r.max.Load()}
	for i := range r.counts {
		if n := r.counts[i].Load(); n != 0 {
			h.Buckets = append(h.Buckets, uint16(i))
			h.Counts = append(h.Counts, n)
		}
	}
	return h
}

// Count is how many durations were counted.
func (h Histogram) Count() int64 {
	var n int64
	for _, c := range h.Counts {
		n += c
	}
	return n
}

// Plus returns the sum of two histograms.
func (h Histogram) Plus(o Histogram) Histogram { return combine(h, o, 1) }

// Minus returns what was counted since an earlier snapshot of the same
// Recorder. The maximum is that of the whole, or of the highest bucket left.
func (h Histogram) Minus(earlier Histogram) Histogram {
	d := combine(h, earlier, -1)
	d.MaxUS = h.MaxUS
	if n := len(d.Buckets); n > 0 {
		d.MaxUS = min(d.MaxUS, Upper(int(d.Buckets[n-1])).Microseconds())
	} else {
		d.MaxUS = 0
	}
	return d
}

func combine(a, b Histogram, sign int64) Histogram {
	out := Histogram{SumUS: a.SumUS + sign*b.SumUS, MaxUS: max(a.MaxUS, b.MaxUS)}
	i, j := 0, 0
	for i < len(a.Buckets) || j < len(b.Buckets) {
		var bucket uint16
		var n int64
		switch {
		case j == len(b.Buckets) || i < len(a.Buckets) && a.Buckets[i] < b.Buckets[j]:
			bucket, n = a.Buckets[i], a.Counts[i]
			i++
		case i == len(a.Buckets) || b.Buckets[j] < a.Buckets[i]:
			bucket, n = b.Buckets[j], sign*b.Counts[j]
			j++
		default:
			bucket, n = a.Buckets[i], a.Counts[i]+sign*b.Counts[j]
			i++
			j++
		}
		if n > 0 {
			out.Buckets = append(out.Buckets, bucket)
			out.Counts = append(out.Counts, n)
		}
	}
	return out
}

// Quantile returns the duration below which the share q of the counts lie,
// within one bucket's width; zero when there are none.
func (h Histogram) Quantile(q float64) time.Duration {
	total := h.Count()
	if total == 0 {
		return 0
	}
	rank := int64(q * float64(total))
	if rank >= total {
		rank = total - 1
	}
	for i, c := range h.Counts {
		if rank < c {
			return min(Upper(int(h.Buckets[i])), time.Duration(h.MaxUS)*time.Microsecond)
		}
		rank -= c
	}
	return time.Duration(h.MaxUS) * time.Microsecond
}

// Mean is the average, zero when there are no counts.
func (h Histogram) Mean() time.Duration {
	if n := h.Count(); n > 0 {
		return time.Duration(h.SumUS/n) * time.Microsecond
	}
	return 0
}

// Valid says whether a decoded histogram can be used: rising buckets in range,
// one positive count for each.
func (h Histogram) Valid() bool {
	return len(h.Buckets) == len(h.Counts) && slices.IsSorted(h.Buckets) &&
		(len(h.Buckets) == 0 || int(h.Buckets[len(h.Buckets)-1]) < NumBuckets)
}
