package load

import (
	"bytes"
	"slices"
	"strconv"
	"time"
)

// Ledger knows what was sent and takes what comes back. The collector's
// goroutine owns it until the run has ended.
type Ledger struct {
	plan    *Schedule
	start   time.Time
	got     []int64 // read back, ns since the start; 0: not yet
	lastOf  []int32 // per key: highest record seen, -1 none
	missing int

	duplicated, reordered, wrong int
}

// NewLedger begins a ledger of a schedule that starts at start.
func NewLedger(p *Schedule, start time.Time) *Ledger {
	l := &Ledger{plan: p, start: start, got: make([]int64, len(p.At)), lastOf: make([]int32, p.shape.Keys), missing: len(p.At)}
	for i := range l.lastOf {
		l.lastOf[i] = -1
	}
	return l
}

// Echo is the check value that the stub model answers beside ts.
func Echo(ts int64) int64 { return ts % 1_000_003 }

// Field reads the whole number after "name": in a JSON text; -1 when there is none.
func Field(text []byte, name string) int64 {
	_, after, ok := bytes.Cut(text, []byte(`"`+name+`":`))
	if !ok {
		return -1
	}
	n := 0
	for n < len(after) && after[n] >= '0' && after[n] <= '9' {
		n++
	}
	v, err := strconv.ParseInt(string(after[:n]), 10, 64)
	if err != nil {
		return -1
	}
	return v
}

// Take notes one record that came back: its value holds ts and, when checked,
// the model's v.
func (l *Ledger) Take(key, value []byte, partition int32, at time.Time, checked bool) {
	ts := Field(value, "ts")
	i, known := slices.BinarySearch(l.plan.At, time.Duration(ts-l.start.UnixNano()))
	if !known {
		l.wrong++
		return
	}
	if l.got[i] != 0 {
		l.duplicated++
		return
	}
	if string(key) != string(l.plan.KeyOf(i)) || partition != l.plan.PartitionOf(i) || (checked && Field(value, "v") != Echo(ts)) {
		l.wrong++
	}
	l.got[i] = int64(at.Sub(l.start))
	l.missing--
	k := l.plan.Key[i]
	if int32(i) < l.lastOf[k] {
		l.reordered++
	}
	l.lastOf[k] = max(l.lastOf[k], int32(i))
}

// Missing is how many have not come back.
func (l *Ledger) Missing() int { return l.missing }

// Outcome is what a run showed.
type Outcome struct {
	Sent       int
	Back       int     // read back within the window, whenever sent
	Growth     float64 // of what is under way, records a second over the window
	Records    int     // of them in the window
	Lost       int     // of the whole run, as the counts after it
	Duplicated int
	Reordered  int
	Wrong      int
	Latency    Quantiles // read back minus intended
	FromSent   Quantiles // read back minus sent: the difference is the generator's
	Lag        Quantiles // of the generator: sent minus intended
	Trips      []Trip    // of the window, where the shape asks for them
}

// Trip is one record that came back.
type Trip struct{ At, Took time.Duration }

// Outcome reads the window; lags are the generator's, one per record.
func (l *Ledger) Outcome(lags []time.Duration) Outcome {
	var latency, fromSent []time.Duration
	var trips []Trip
	for i := l.plan.First; i < len(l.got); i++ {
		if l.got[i] != 0 {
			took := time.Duration(l.got[i]) - l.plan.At[i]
			latency, fromSent = append(latency, took), append(fromSent, took-lags[i])
			if l.plan.shape.Trips {
				trips = append(trips, Trip{l.plan.At[i], took})
			}
		}
	}
	back, growth := l.pace()
	return Outcome{
		Back: back, Growth: growth, Trips: trips,
		Sent: len(l.got), Records: len(l.got) - l.plan.First, Lost: l.missing, Duplicated: l.duplicated, Reordered: l.reordered, Wrong: l.wrong,
		Latency: QuantilesOf(latency), FromSent: QuantilesOf(fromSent), Lag: QuantilesOf(slices.Clone(lags[l.plan.First:])),
	}
}

// Quantiles are exact: of all values, not of a histogram.
type Quantiles struct {
	P50, P90, P99, P999, Max time.Duration
}

// QuantilesOf sorts values and reads them.
func QuantilesOf(values []time.Duration) Quantiles {
	if len(values) == 0 {
		return Quantiles{}
	}
	slices.Sort(values)
	at := func(q float64) time.Duration { return values[min(int(q*float64(len(values))), len(values)-1)] }
	return Quantiles{P50: at(0.5), P90: at(0.9), P99: at(0.99), P999: at(0.999), Max: values[len(values)-1]}
}
