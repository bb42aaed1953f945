package load

import (
	"math/rand/v2"
	"strconv"
	"time"
)

// Shape is what is sent.
type Shape struct {
	Rate       float64 // records a second
	WarmUp     time.Duration
	Window     time.Duration // measured part, after the warm-up
	Keys       int           // uniform over so many
	Partitions int32
	Seed       uint64
	Burst      Burst
	Trips      bool // each record of the window is told of
	Numbers    int  // in each record
	Digits     int  // of each number
}

// Burst is more load at the beginning of each cycle of the window. The zero Burst is
// none.
type Burst struct {
	Rate       float64 // records a second meanwhile
	For, Every time.Duration
}

// rateAt is the rate from a moment on, and until when it holds.
func (s Shape) rateAt(at time.Duration) (rate float64, until time.Duration) {
	switch {
	case s.Burst.Every == 0:
		return s.Rate, s.WarmUp + s.Window
	case at < s.WarmUp:
		return s.Rate, s.WarmUp
	}
	cycle := at - (at-s.WarmUp)%s.Burst.Every
	if at < cycle+s.Burst.For {
		return s.Burst.Rate, cycle + s.Burst.For
	}
	return s.Rate, cycle + s.Burst.Every
}

// Schedule holds every record of a run before it begins.
type Schedule struct {
	At     []time.Duration // since the start; strictly rising
	Key    []int32
	First  int // first record of the window
	shape  Shape
	floats []string // a stock of what follows ts in a record
}

// stock is how many different lists of numbers the records carry in turn.
const stock = 512

// Plan draws the schedule of a shape: the same seed, the same schedule.
func Plan(s Shape) *Schedule {
	r := rand.New(rand.NewPCG(s.Seed, 0x9e3779b97f4a7c15))
	p := &Schedule{shape: s, First: -1}
	for at := s.next(r, 0); at < s.WarmUp+s.Window; at = s.next(r, at) {
		if p.First < 0 && at >= s.WarmUp {
			p.First = len(p.At)
		}
		p.At = append(p.At, at)
		p.Key = append(p.Key, int32(r.IntN(s.Keys)))
	}
	if p.First < 0 {
		p.First = len(p.At)
	}
	for range stock {
		p.floats = append(p.floats, numbers(r, s.Numbers, s.Digits))
	}
	return p
}

// next draws the moment of the record after one. A wait that would end after the rate
// has changed is drawn anew from there, at the new rate.
func (s Shape) next(r *rand.Rand, at time.Duration) time.Duration {
	for {
		rate, until := s.rateAt(at)
		next := at + gap(r, rate)
		if next < until || until >= s.WarmUp+s.Window {
			return next
		}
		at = until
	}
}

// gap draws the wait before the next record: at least 1 ns, so that the
// intended time names a record.
func gap(r *rand.Rand, rate float64) time.Duration {
	return time.Duration(r.ExpFloat64()/rate*float64(time.Second)) + 1
}

// numbers gives what follows ts in a record. 16 of 9 digits make about 230
// bytes, 784 of 7 about 8 KB.
func numbers(r *rand.Rand, n, digits int) string {
	b := []byte(`,"x":[`)
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendFloat(b, r.Float64(), 'f', digits, 64)
	}
	return string(append(b, "]}"...))
}

// Value is the value of record i: {"ts":<intended, Unix ns>,"x":[numbers]}.
func (p *Schedule) Value(i int, start time.Time) []byte {
	rest := p.floats[i%stock]
	b := make([]byte, 0, len(rest)+32)
	b = append(b, `{"ts":`...)
	b = strconv.AppendInt(b, start.Add(p.At[i]).UnixNano(), 10)
	return append(b, rest...)
}

// KeyOf is the key of record i.
func (p *Schedule) KeyOf(i int) []byte { return strconv.AppendInt([]byte("k"), int64(p.Key[i]), 10) }

// PartitionOf is the partition of record i: one per key.
func (p *Schedule) PartitionOf(i int) int32 { return p.Key[i] % p.shape.Partitions }
