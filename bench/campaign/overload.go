package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// What is promised of more events than the model can do, and how it is tried.
const (
	overDeadline  = 50 * time.Millisecond
	overExecutors = 2
	overCall      = 4 * time.Millisecond
	overKeys      = 10_000
	overCalm      = 0.5  // of the capacity
	overHalf      = 1.5  // of it
	overTen       = 10.0 // of it
	overGood      = 0.9  // of the capacity is predicted in time
	overRecovery  = 10 * time.Second
	overNormal    = 2.0 // times the p99 of the calm part
	overMeasured  = 5 * time.Second
)

// overload sends a stream with late: shed half as many events again as its model can
// do, then ten times as many, then half as many as it can.
func overload(ctx context.Context, o options, r *report) error {
	return o.everywhere(ctx, needs{brokers: 1}, func(ctx context.Context, at *place) error { return o.overloadOn(ctx, at, r) })
}

// overRun is a stream, its model and a producer.
type overRun struct {
	at       *place
	name     string // of the pipeline
	cluster  *kafka.Cluster
	producer *kafka.Producer
	process  *process
	model    *witness
	expired  atomic.Int64 // calls that began after the deadline of their event
	arrived  atomic.Int64 // calls that arrived after it
	calls    sync.Map     // part → *atomic.Int64 of those that arrived
	capacity float64      // calls a second that the model answers
	sent     int
}

func (o options) overloadOn(ctx context.Context, at *place, r *report) error {
	s := &overRun{at: at, name: fmt.Sprintf("overload%d", o.seed)}
	var err error
	if s.model, err = newWitness(0, 0); err != nil {
		return err
	}
	defer s.model.close()
	free := make(chan struct{}, overExecutors)
	s.model.saw = s.saw
	s.model.slow = func(string) time.Duration {
		free <- struct{}{}
		time.Sleep(overCall)
		<-free
		return 0
	}
	s.capacity = s.closedLoop(ctx)
	o.progress("the model answers %.0f calls a second", s.capacity)
	station, err := o.station(at, "stream", s.name, s.model.url("stream"))
	if err != nil {
		return err
	}
	station.Memory, station.Latency, station.Flow = memorySetting, overDeadline.String(), []string{"admit: {late: shed}", "batch: {max_events: 1}"}
	if s.process, err = o.working(ctx, station); err != nil {
		return err
	}
	defer s.process.clear()
	if s.cluster, err = at.open(); err != nil {
		return err
	}
	defer s.cluster.Close()
	if s.producer, err = s.cluster.NewProducer("overload"); err != nil {
		return err
	}
	defer s.producer.Close()
	parts := []overPart{{"calm", overCalm, min(o.length, 20*time.Second)}, {"half more", overHalf, o.length}, {"ten times", overTen, o.length}, {"after", overCalm, overRecovery + 10*time.Second}}
	for _, p := range parts {
		if err := s.send(ctx, p); err != nil {
			return err
		}
		o.progress("%s: sent %d so far", p.name, s.sent)
	}
	return s.finish(ctx, r, parts)
}

// saw counts calls that are too late. One that says that it had time left when it was
// sent began in time, however long it was on its way.
func (s *overRun) saw(id string, h http.Header) {
	count, _ := s.calls.LoadOrStore(partOf(id), &atomic.Int64{})
	count.(*atomic.Int64).Add(1)
	due, ok := dueOf(id)
	if !ok || time.Since(due) <= overDeadline {
		return
	}
	s.arrived.Add(1)
	if left, err := strconv.Atoi(h.Get("X-Deadline-Ms")); err != nil || left < 1 {
		s.expired.Add(1)
	}
}

// overPart is a load for a while.
type overPart struct {
	name   string
	times  float64 // of the capacity
	length time.Duration
}

// closedLoop asks the model without a break, as many calls at once as it works on and
// some that wait, and tells how many a second are answered.
func (s *overRun) closedLoop(ctx context.Context) float64 {
	ctx, cancel := context.WithTimeout(ctx, overMeasured)
	defer cancel()
	var calls atomic.Int64
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4 * overExecutors}}
	var callers sync.WaitGroup
	for range 4 * overExecutors {
		callers.Go(func() {
			for {
				q, err := http.NewRequestWithContext(ctx, http.MethodPost, s.model.url("floor"), strings.NewReader(`{"id":"floor"}`))
				if err != nil {
					return
				}
				resp, err := client.Do(q)
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				calls.Add(1)
			}
		})
	}
	callers.Wait()
	return float64(calls.Load()) / overMeasured.Seconds()
}

// send sends the events of a part at an even rate.
func (s *overRun) send(ctx context.Context, p overPart) error {
	began := time.Now()
	rate := p.times * s.capacity
	for n := range int(rate * p.length.Seconds()) {
		due := began.Add(time.Duration(float64(n) / rate * float64(time.Second)))
		if wait := time.Until(due); wait > 0 {
			if err := pause(ctx, wait); err != nil {
				return err
			}
		}
		var clock event.Timeline
		clock.Start(due)
		id := fmt.Sprintf("%s~%d~%d", strings.ReplaceAll(p.name, " ", "-"), due.UnixMicro(), n)
		key := s.sent % overKeys
		s.producer.Write(&kafka.Record{
			Topic: topicEvents, Partition: int32(key % 12), Key: fmt.Appendf(nil, "key-%d", key), Value: fmt.Appendf(nil, `{"id":%q}`, id),
			Headers: []event.Header{{Name: event.HeaderID, Value: []byte(id)}, {Name: event.HeaderTimeline, Value: clock.AppendHeader(nil)}},
		}, func(event.Source, error) {}) // one that is not written is missing in the end
		s.sent++
	}
	return s.producer.Flush(ctx)
}

// called is how many calls about events of a part arrived.
func (s *overRun) called(part string) int64 {
	if count, ok := s.calls.Load(part); ok {
		return count.(*atomic.Int64).Load()
	}
	return 0
}

// partOf is the name of the part that an event was sent in.
func partOf(id string) string {
	part, _, _ := strings.Cut(id, "~")
	return strings.ReplaceAll(part, "-", " ")
}

// dueOf is when an event was to be sent.
func dueOf(id string) (time.Time, bool) {
	_, rest, _ := strings.Cut(id, "~")
	text, _, ok := strings.Cut(rest, "~")
	us, err := strconv.ParseInt(text, 10, 64)
	return time.UnixMicro(us), ok && err == nil
}
