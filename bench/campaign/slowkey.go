package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// What is promised of a key that takes long, and how it is tried.
const (
	slowKeys     = 1000
	slowRate     = 500 // events a second, all keys together
	slowLength   = 20 * time.Second
	slowCall     = 10 * time.Second
	quickCall    = 20 * time.Millisecond
	slowEvents   = 3   // of the slow key, a second apart: it is at work longer than a run
	slowPairs    = 3   // of runs without and with it
	slowRatio    = 1.2 // of the others' p99, with to without
	manyKeys     = 100_000
	manyEvents   = 2         // of each of many keys
	manyPeak     = 160 << 20 // bytes of the stream that works on them
	manyPatience = 5 * time.Minute
)

// slowkey measures what one key that takes 10 s does to the 999 others of its
// partition, and works on 100,000 keys.
func slowkey(ctx context.Context, o options, r *report) error {
	return o.everywhere(ctx, needs{brokers: 1}, func(ctx context.Context, at *place) error { return o.slowkeyOn(ctx, at, r) })
}

// slowRun is a stream and a producer; of the partitions only one is used.
type slowRun struct {
	at       *place
	name     string // of the pipeline
	cluster  *kafka.Cluster
	producer *kafka.Producer
	process  *process
}

func (o options) slowkeyOn(ctx context.Context, at *place, r *report) error {
	model, err := newWitness(quickCall, quickCall)
	if err != nil {
		return err
	}
	defer model.close()
	model.slow = func(id string) time.Duration {
		if strings.Contains(id, "-slow-") {
			return slowCall
		}
		return 0
	}
	s := &slowRun{at: at, name: fmt.Sprintf("slowkey%d", o.seed)}
	station, err := o.station(at, "stream", s.name, model.url("stream"))
	if err != nil {
		return err
	}
	if s.process, err = o.working(ctx, station); err != nil {
		return err
	}
	defer s.process.clear()
	if s.cluster, err = at.open(); err != nil {
		return err
	}
	defer s.cluster.Close()
	if s.producer, err = s.cluster.NewProducer("slowkey"); err != nil {
		return err
	}
	defer s.producer.Close()
	pairs := or(o.count, slowPairs)
	if err := s.pairs(ctx, o, pairs); err != nil {
		return err
	}
	quick := s.process.peak()
	drain, err := s.many(ctx)
	if err != nil {
		return err
	}
	o.progress("%d events of %d keys worked on in %s", manyEvents*manyKeys, manyKeys, seconds(drain))
	return s.finish(ctx, r, slowFound{pairs, quick, drain})
}

// slowFound is what is known before the topics are read.
type slowFound struct {
	pairs int
	peak  int64         // of the stream after the pairs
	drain time.Duration // of many keys
}

// pairs sends the same without and with the slow key, in turn.
func (s *slowRun) pairs(ctx context.Context, o options, pairs int) error {
	for n := range pairs {
		for _, what := range []string{"without", "with"} {
			if err := s.steady(ctx, fmt.Sprintf("%s%d", what, n), what == "with"); err != nil {
				return err
			}
			if err := drained(ctx, s.cluster, s.name); err != nil {
				return err
			}
		}
		o.progress("pair %d of %d on %s", n+1, pairs, s.at.what)
	}
	return nil
}

// steady sends events of all keys at an even rate.
func (s *slowRun) steady(ctx context.Context, run string, slow bool) error {
	began := time.Now()
	for n := range int(slowRate * slowLength.Seconds()) {
		due := began.Add(time.Duration(n) * time.Second / slowRate)
		if err := pause(ctx, time.Until(due)); err != nil {
			return err
		}
		if slow && n%slowRate == 0 && n/slowRate < slowEvents {
			s.send("slow", fmt.Sprintf("%s-slow-%d", run, n), due)
		}
		s.send(fmt.Sprintf("key-%d", n%(slowKeys-1)), fmt.Sprintf("%s-quick-%d", run, n), due)
	}
	return s.producer.Flush(ctx)
}

// send sends one event whose clock starts when it was due.
func (s *slowRun) send(key, id string, due time.Time) {
	var clock event.Timeline
	clock.Start(due)
	s.producer.Write(&kafka.Record{
		Topic: topicEvents, Partition: 0, Key: []byte(key), Value: fmt.Appendf(nil, `{"id":%q}`, id),
		Headers: []event.Header{{Name: event.HeaderID, Value: []byte(id)}, {Name: event.HeaderTimeline, Value: clock.AppendHeader(nil)}},
	}, func(event.Source, error) {}) // one that is not written is missing in the end
}

// many sends events of many keys at once and waits until all are worked on.
func (s *slowRun) many(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, manyPatience, fmt.Errorf("%d keys are not worked on within %s", manyKeys, manyPatience))
	defer cancel()
	began := time.Now()
	for n := range manyKeys * manyEvents {
		s.send(fmt.Sprintf("many-%d", n%manyKeys), fmt.Sprintf("many-quick-%d", n), time.Now())
		if n%1000 == 999 { // the producer holds so many and no more
			if err := s.producer.Flush(ctx); err != nil {
				return 0, err
			}
		}
	}
	if err := drained(ctx, s.cluster, s.name); err != nil {
		return 0, err
	}
	return time.Since(began), nil
}

// finish reads the topics and judges.
func (s *slowRun) finish(ctx context.Context, r *report, found slowFound) error {
	took, err := s.latencies(ctx)
	if err != nil {
		return err
	}
	e := examined{what: s.at.what, group: s.name}
	v, err := e.examine(ctx, s.cluster, r)
	if err != nil {
		return err
	}
	c := v.Counts
	sent := found.pairs*(2*int(slowRate*slowLength.Seconds())+slowEvents) + manyKeys*manyEvents
	var ratios []float64
	for n := range found.pairs {
		without, with := took[fmt.Sprintf("without%d", n)], took[fmt.Sprintf("with%d", n)]
		if len(without) == 0 || len(with) == 0 {
			return fmt.Errorf("pair %d has no predictions", n)
		}
		ratio := float64(quantile(with, 0.99)) / float64(quantile(without, 0.99))
		ratios = append(ratios, ratio)
		r.add(row{
			{"brokers", s.at.what}, {"pair", n + 1}, {"keys", slowKeys}, {"rate/s", slowRate},
			{"others p50 without / with", milliseconds(quantile(without, 0.5)) + " / " + milliseconds(quantile(with, 0.5))},
			{"others p99 without / with", milliseconds(quantile(without, 0.99)) + " / " + milliseconds(quantile(with, 0.99))},
			{"p99 with ÷ without", fmt.Sprintf("%.2f", ratio)},
		})
	}
	slices.Sort(ratios)
	middle := ratios[len(ratios)/2]
	peak := s.process.peak()
	r.add(row{
		{"brokers", s.at.what}, {"events", c.Events}, {"keys", manyKeys}, {"predicted", v.Places["predictions"]}, {"lost", c.Waiting}, {"duplicated", c.Duplicated}, {"reordered", c.Reordered},
		{"100,000 keys worked on in", seconds(found.drain)}, {"events/s", fmt.Sprintf("%.0f", float64(manyKeys*manyEvents)/found.drain.Seconds())},
		{"peak memory before / after", mebibytes(found.peak) + " / " + mebibytes(peak)},
	})
	r.require(middle < slowRatio, "%s: with the slow key the others' p99 is %.2f times that without, promised less than %.1f", s.at.what, middle, slowRatio)
	e.once(&v, sent, r)
	r.require(peak < manyPeak, "%s: %s at the peak with %d keys, promised less than %s", s.at.what, mebibytes(peak), manyKeys, mebibytes(manyPeak))
	stopped := s.process.stop()
	r.require(stopped == nil, "%s: %v", s.at.what, stopped)
	return nil
}

// latencies are those of the quick events of each run, sorted.
func (s *slowRun) latencies(ctx context.Context) (map[string][]time.Duration, error) {
	took := map[string][]time.Duration{}
	var bad error
	err := readAll(ctx, s.cluster, []string{topicPredictions}, func(e *event.Event) {
		var p struct {
			ID      string `json:"id"`
			Latency int64  `json:"latency_us"`
		}
		if err := json.Unmarshal(e.Value, &p); err != nil {
			bad = err
		}
		if run, _, quick := strings.Cut(p.ID, "-quick-"); quick {
			took[run] = append(took[run], time.Duration(p.Latency)*time.Microsecond)
		}
	})
	for _, all := range took {
		slices.Sort(all)
	}
	if err == nil {
		err = bad
	}
	return took, err
}

// quantile of sorted durations.
func quantile(sorted []time.Duration, q float64) time.Duration {
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
