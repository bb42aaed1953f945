package stream

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"betimes/internal/event"
	"betimes/internal/pulse"
)

// meter counts what a Processor does.
type meter struct {
	counts  [event.NumPlaces]atomic.Int64
	lateN   atomic.Int64
	events  [event.NumPlaces]prometheus.Counter
	late    prometheus.Counter
	retries prometheus.Counter
	absurd  prometheus.Counter
	skipped prometheus.Counter
	gate    prometheus.Gauge

	committed, aborted prometheus.Counter   // transactions
	transactions       prometheus.Histogram // how long they took
}

func newMeter(r prometheus.Registerer, p *Processor) *meter {
	m := &meter{
		late:    prometheus.NewCounter(prometheus.CounterOpts{Name: "betimes_stream_late_total", Help: "Events predicted after their deadline."}),
		retries: prometheus.NewCounter(prometheus.CounterOpts{Name: "betimes_stream_retries_total", Help: "Attempts that failed and are made again."}),
		absurd:  prometheus.NewCounter(prometheus.CounterOpts{Name: "betimes_stream_absurd_clocks_total", Help: "Times of events that are not believable: a clock then counts from the fetch, a deadline from the clock."}),
	}
	m.skipped = prometheus.NewCounter(prometheus.CounterOpts{Name: "betimes_stream_skipped_total", Help: "Events that were finished before this worker got their partition, and are not done again."})
	m.gate = prometheus.NewGauge(prometheus.GaugeOpts{Name: "betimes_stream_gate_closed", Help: "1 while every call fails and fetching pauses."})
	ends := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "betimes_stream_transactions_total", Help: "Transactions of exactly_once, by result: committed, or aborted and written again."}, []string{"result"})
	m.committed, m.aborted = ends.WithLabelValues("committed"), ends.WithLabelValues("aborted")
	m.transactions = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "betimes_stream_transaction_seconds", Help: "Time from the first ending of a transaction of exactly_once to its commit.", Buckets: prometheus.ExponentialBuckets(0.001, 2, 14),
	})
	events := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "betimes_stream_events_total", Help: "Events by how they ended."}, []string{"outcome"})
	for place := event.Predicted; int(place) < event.NumPlaces; place++ {
		m.events[place] = events.WithLabelValues(place.String())
	}
	if r != nil {
		r.MustRegister(m.late, m.retries, m.absurd, m.skipped, m.gate, events, ends, m.transactions, &lagCollector{p})
	}
	return m
}

// ended counts one acknowledged ending.
func (m *meter) ended(e *event.Event, place event.Place, at time.Time) {
	m.counts[place].Add(1)
	m.events[place].Inc()
	if place == event.Predicted && e.Late(at) {
		m.lateN.Add(1)
		m.late.Inc()
	}
}

// outcomes gives the counts as a pulse has them.
func (m *meter) outcomes() map[string]int64 {
	out := map[string]int64{"late": m.lateN.Load()}
	for place := event.Predicted; int(place) < event.NumPlaces; place++ {
		out[place.String()] = m.counts[place].Load()
	}
	return out
}

// lag tells how far each held partition is behind its end.
func (p *Processor) lag(now time.Time) []pulse.Lag {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.member == nil {
		return nil
	}
	if p.shared != nil {
		return p.sharedLag(now)
	}
	lags := make([]pulse.Lag, 0, len(p.parts))
	for id, part := range p.parts {
		l := pulse.Lag{Topic: id.Topic, Partition: id.Number}
		if end, ok := p.member.HighWatermark(id); ok {
			l.Records = max(end-max(part.offsets.next, 0), 0)
		}
		if at := part.offsets.oldest(); !at.IsZero() && l.Records > 0 {
			l.DelayS = max(now.Sub(at).Seconds(), 0)
		}
		lags = append(lags, l)
	}
	return lags
}

// lagCollector reads the lag when it is scraped.
type lagCollector struct{ p *Processor }

var (
	lagDesc      = prometheus.NewDesc("betimes_stream_lag_records", "Records behind the end of the partition.", []string{"topic", "partition"}, nil)
	delayDesc    = prometheus.NewDesc("betimes_stream_delay_seconds", "Age of the oldest event of the partition that is not finished.", []string{"topic", "partition"}, nil)
	inFlightDesc = prometheus.NewDesc("betimes_stream_in_flight", "Attempts under way.", nil, nil)
	limitDesc    = prometheus.NewDesc("betimes_stream_concurrency_limit", "Most attempts at once: as set, or as learned when concurrency is auto.", nil, nil)
	keysDesc     = prometheus.NewDesc("betimes_stream_parked_keys", "Keys whose events wait in the topic parked.", nil, nil)
	parkedDesc   = prometheus.NewDesc("betimes_stream_parked_events", "Events that wait in the topic parked.", nil, nil)
	queuedDesc   = prometheus.NewDesc("betimes_stream_queued_events", "Events held by this process, waiting or in work.", nil, nil)
)

// Describe names the metrics.
func (c *lagCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- lagDesc
	ch <- delayDesc
	ch <- inFlightDesc
	ch <- queuedDesc
	ch <- limitDesc
	ch <- keysDesc
	ch <- parkedDesc
}

// Collect reads them.
func (c *lagCollector) Collect(ch chan<- prometheus.Metric) {
	for _, l := range c.p.lag(time.Now()) {
		number := strconv.Itoa(int(l.Partition))
		ch <- prometheus.MustNewConstMetric(lagDesc, prometheus.GaugeValue, float64(l.Records), l.Topic, number)
		ch <- prometheus.MustNewConstMetric(delayDesc, prometheus.GaugeValue, l.DelayS, l.Topic, number)
	}
	c.p.mu.Lock()
	running, queued, limit := c.p.running, c.p.queued, c.p.limit.limit
	keys, parked := c.p.waitingNow()
	c.p.mu.Unlock()
	ch <- prometheus.MustNewConstMetric(inFlightDesc, prometheus.GaugeValue, float64(running))
	ch <- prometheus.MustNewConstMetric(queuedDesc, prometheus.GaugeValue, float64(queued))
	ch <- prometheus.MustNewConstMetric(limitDesc, prometheus.GaugeValue, float64(limit))
	ch <- prometheus.MustNewConstMetric(keysDesc, prometheus.GaugeValue, float64(keys))
	ch <- prometheus.MustNewConstMetric(parkedDesc, prometheus.GaugeValue, float64(parked))
}
