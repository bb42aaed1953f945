package load

import (
	"strconv"
	"testing"
	"time"
)

func shape() Shape {
	return Shape{Rate: 1000, WarmUp: time.Second, Window: 9 * time.Second, Keys: 100, Partitions: 8, Seed: 7, Numbers: 16, Digits: 9}
}

func TestPlanIsPoissonAndRepeatable(t *testing.T) {
	p, again := Plan(shape()), Plan(shape())
	if n := len(p.At); n < 9_600 || n > 10_400 {
		t.Errorf("%d records in 10 s at 1000/s", n)
	}
	if len(again.At) != len(p.At) || again.At[500] != p.At[500] || again.Key[500] != p.Key[500] {
		t.Error("the same seed gives another schedule")
	}
	short := 0 // gaps below a tenth of the mean: 1 - e^-0.1 = 9.5 % of a Poisson process
	for i := 1; i < len(p.At); i++ {
		if p.At[i] <= p.At[i-1] {
			t.Fatalf("record %d is not after the one before", i)
		}
		if p.At[i]-p.At[i-1] < 100*time.Microsecond {
			short++
		}
	}
	if share := float64(short) / float64(len(p.At)); share < 0.08 || share > 0.11 {
		t.Errorf("%.3f of the gaps are short, want about 0.095", share)
	}
	if p.At[p.First] < time.Second || p.At[p.First-1] >= time.Second {
		t.Error("the window does not begin after the warm-up")
	}
}

func TestABurstBeginsEachCycleOfTheWindow(t *testing.T) {
	s := shape()
	s.WarmUp, s.Window = time.Second, 10*time.Second
	s.Burst = Burst{Rate: 3000, For: time.Second, Every: 5 * time.Second}
	counts := map[time.Duration]int{}
	for _, at := range Plan(s).At {
		counts[at/time.Second]++
	}
	for second := range 11 {
		want := 1000
		if second == 1 || second == 6 {
			want = 3000
		}
		if n := counts[time.Duration(second)]; n < want*8/10 || n > want*12/10 {
			t.Errorf("second %d: %d records, want about %d", second, n, want)
		}
	}
}

func TestRecordIsAboutTheDocumentedSize(t *testing.T) {
	p := Plan(shape())
	start := time.Unix(1_800_000_000, 0)
	v := p.Value(3, start)
	if len(v) < 215 || len(v) > 245 || Field(v, "ts") != start.Add(p.At[3]).UnixNano() {
		t.Errorf("%d bytes: %s", len(v), v)
	}
}

// answer is what a correct system makes of record i.
func answer(p *Schedule, start time.Time, i int) (key, value []byte, partition int32, at time.Time) {
	ts := start.Add(p.At[i]).UnixNano()
	return p.KeyOf(i), appendAnswer(ts), p.PartitionOf(i), start.Add(p.At[i] + time.Millisecond)
}

func appendAnswer(ts int64) []byte {
	return []byte(`{"id":"x","prediction":{"ts":` + itoa(ts) + `,"v":` + itoa(Echo(ts)) + `}}`)
}

func TestLedgerCountsWhatWentWrong(t *testing.T) {
	p := Plan(shape())
	start := time.Unix(1_800_000_000, 0)
	lags := make([]time.Duration, len(p.At))
	for i := range lags {
		lags[i] = 100 * time.Microsecond
	}
	l := NewLedger(p, start)
	later := sameKey(p, 10)
	for i := range p.At {
		if i == 5 || i == 10 {
			continue // 5 is lost, 10 comes after the next of its key
		}
		key, value, partition, at := answer(p, start, i)
		switch i {
		case 20:
			value = []byte(`{"ts":` + itoa(start.Add(p.At[i]).UnixNano()) + `,"v":1}`)
		case 21:
			key = []byte("another")
		case 22:
			partition++
		}
		l.Take(key, value, partition, at, true)
		if i == 30 {
			l.Take(key, value, partition, at, true)
		}
		if i == later {
			key, value, partition, at = answer(p, start, 10)
			l.Take(key, value, partition, at, true)
		}
	}
	l.Take([]byte("k1"), []byte(`{"ts":5}`), 0, start, true)
	o := l.Outcome(lags)
	if o.Lost != 1 || o.Duplicated != 1 || o.Reordered != 1 || o.Wrong != 4 {
		t.Errorf("got %+v; want lost 1, duplicated 1, reordered 1, wrong 4", o)
	}
	if o.Latency.P50 != time.Millisecond || o.FromSent.P99 != 900*time.Microsecond || o.Lag.P99 != 100*time.Microsecond {
		t.Errorf("times: %+v", o)
	}
}

// sameKey is the next record with the key of record i.
func sameKey(p *Schedule, i int) int {
	for j := i + 1; ; j++ {
		if p.Key[j] == p.Key[i] {
			return j
		}
	}
}

func TestQuantilesAreExact(t *testing.T) {
	var v []time.Duration
	for i := range 1000 {
		v = append(v, time.Duration(1000-i))
	}
	if q := QuantilesOf(v); q.P50 != 501 || q.P99 != 991 || q.P999 != 1000 || q.Max != 1000 {
		t.Errorf("%+v", q)
	}
	if q := QuantilesOf(nil); q != (Quantiles{}) {
		t.Errorf("of nothing: %+v", q)
	}
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
