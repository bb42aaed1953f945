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
	Numbers    int // in each record
	Digits     int // of each number
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
	end := s.WarmUp + s.Window
	for at := gap(r, s.Rate); at < end; at += gap(r, s.Rate) {
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
