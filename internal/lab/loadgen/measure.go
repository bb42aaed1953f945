package loadgen

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"betimes/internal/event"
)

// The range of every histogram, in µs; what lies outside counts as its end.
const (
	histogramTop    = int64(time.Hour / time.Microsecond)
	histogramDigits = 3
)

// histogram of µs.
type histogram struct {
	h   *hdrhistogram.Histogram
	sum int64
}

func newHistogram() histogram {
	return histogram{h: hdrhistogram.New(1, histogramTop, histogramDigits)}
}

func (h *histogram) add(us int64) {
	us = min(max(us, 0), histogramTop)
	h.sum += us
	_ = h.h.RecordValue(us) // cannot fail: the value is within the range
}

// Quantiles are of one measure, in µs.
type Quantiles struct {
	P50  int64 `json:"p50_us"`
	P90  int64 `json:"p90_us"`
	P99  int64 `json:"p99_us"`
	P999 int64 `json:"p999_us"`
	Max  int64 `json:"max_us"`
}

func (h *histogram) quantiles() Quantiles {
	return Quantiles{
		P50: h.h.ValueAtQuantile(50), P90: h.h.ValueAtQuantile(90), P99: h.h.ValueAtQuantile(99),
		P999: h.h.ValueAtQuantile(99.9), Max: h.h.Max(),
	}
}

// The rows of the stage table around the stages of the timeline.
const (
	rowSend    = "send"    // intended → clock start
	rowDeliver = "deliver" // handed to the producer → read back
)

// Row is one row of the stage table.
type Row struct {
	Stage string  `json:"stage"`
	Count int64   `json:"count"`
	P50   int64   `json:"p50_us"`
	P99   int64   `json:"p99_us"`
	Mean  float64 `json:"mean_us"`
	Share float64 `json:"share"` // of the time of all rows
}

// Residual is own measure less the sum of an event's rows, without its sign.
type Residual struct {
	P50    int64   `json:"p50_us"`
	P99    int64   `json:"p99_us"`
	Max    int64   `json:"max_us"`
	Beyond float64 `json:"beyond_share"` // of the events off by more than 1 % and 50 µs
	Skewed int64   `json:"skewed"`       // events of which send or deliver came out negative: two clocks, or a record's whole milliseconds
}

// measures are the histograms of one run.
type measures struct {
	lag      histogram // actual − intended send
	latency  histogram // intended → read back, of predictions
	rows     [event.NumStages + 2]histogram
	residual histogram
	beyond   int64
	skewed   int64
}

const (
	atSend    = event.NumStages
	atDeliver = event.NumStages + 1
)

func newMeasures() *measures {
	m := &measures{lag: newHistogram(), latency: newHistogram(), residual: newHistogram()}
	for i := range m.rows {
		m.rows[i] = newHistogram()
	}
	return m
}

// stages notes the rows of one prediction. All times are of this machine's wall
// clock but own, the latency, which is of its monotonic one.
func (m *measures) stages(a *answer, intended, readBack time.Time, own time.Duration) {
	send := a.received.Sub(intended)
	deliver := readBack.Sub(a.received.Add(time.Duration(a.total) * time.Microsecond))
	sum := send.Microseconds() + deliver.Microseconds()
	for s, us := range a.stages {
		if us >= 0 {
			m.rows[s].add(us)
			sum += us
		}
	}
	m.rows[atSend].add(send.Microseconds())
	m.rows[atDeliver].add(deliver.Microseconds())
	if send < 0 || deliver < 0 {
		m.skewed++
	}
	off := max(own.Microseconds()-sum, sum-own.Microseconds())
	m.residual.add(off)
	if off > 50 && off*100 > own.Microseconds() {
		m.beyond++
	}
}

// table gives the rows in the order of the journey.
func (m *measures) table() []Row {
	var list []Row
	total := 0.0
	add := func(name string, h *histogram) {
		n := h.h.TotalCount()
		if n == 0 {
			return
		}
		q := h.quantiles()
		list = append(list, Row{Stage: name, Count: n, P50: q.P50, P99: q.P99, Mean: float64(h.sum) / float64(n), Share: float64(h.sum)})
		total += float64(h.sum)
	}
	add(rowSend, &m.rows[atSend])
	for s := range event.Stage(event.NumStages) {
		add(s.String(), &m.rows[s])
	}
	add(rowDeliver, &m.rows[atDeliver])
	for i := range list {
		if total > 0 {
			list[i].Share /= total
		}
	}
	return list
}

func (m *measures) residuals() *Residual {
	n := m.residual.h.TotalCount()
	if n == 0 {
		return nil
	}
	q := m.residual.quantiles()
	return &Residual{P50: q.P50, P99: q.P99, Max: q.Max, Beyond: float64(m.beyond) / float64(n), Skewed: m.skewed}
}
