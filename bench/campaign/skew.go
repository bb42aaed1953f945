package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
	"betimes/internal/watch/latency"
)

// What is promised where few keys have most of the events, and how it is tried: the
// hottest of so many keys has 18 % of the events, which is half as much again as one
// key's calls can do one after the other; the second one stays below that.
const (
	skewWorkers    = 4
	skewPartitions = 12
	skewKeys       = 1000
	skewZipf       = 1.1
	skewRate       = 400 // events a second, all keys together
	skewCall       = 20 * time.Millisecond
	skewObjective  = 250 * time.Millisecond
	skewNamedIn    = 5 * time.Second // after the first event
	skewSettled    = time.Minute
)

// skew sends skewed keys to four streams of one group, prints what each worker and
// partition gets of them, and asks the product which key is to blame.
func skew(ctx context.Context, o options, r *report) error {
	return o.everywhere(ctx, needs{brokers: 1}, func(ctx context.Context, at *place) error { return o.skewOn(ctx, at, r) })
}

// skewRun is the streams, a watch, their model and a producer.
type skewRun struct {
	o        options
	at       *place
	name     string // of the pipeline
	model    *witness
	streams  []*station
	watch    *station
	running  []*process
	cluster  *kafka.Cluster
	producer *kafka.Producer
	sent     map[string]int // by key
	named    time.Duration  // from the first event until the hot key was named; 0: never
	told     latency.Key    // as it was named last
	why      string         // as it was said at the end of the load
}

func (o options) skewOn(ctx context.Context, at *place, r *report) (err error) {
	s := &skewRun{o: o, at: at, name: fmt.Sprintf("skew%d", o.seed), sent: map[string]int{}}
	if s.model, err = newWitness(skewCall, skewCall); err != nil {
		return err
	}
	defer s.model.close()
	if s.cluster, err = at.open(); err != nil {
		return err
	}
	defer s.cluster.Close()
	if s.producer, err = s.cluster.NewProducer("skew"); err != nil {
		return err
	}
	defer s.producer.Close()
	defer func() {
		for _, p := range s.running {
			p.clear()
		}
	}()
	if err = s.start(ctx); err != nil {
		return err
	}
	if err = s.load(ctx); err != nil {
		return err
	}
	if s.why, err = s.asked(ctx); err != nil {
		return err
	}
	if err = drained(ctx, s.cluster, s.name); err != nil {
		return err
	}
	return s.finish(ctx, r)
}

// start starts all roles and waits until each stream has as many partitions as others.
func (s *skewRun) start(ctx context.Context) error {
	for n := range skewWorkers {
		one, err := s.role(ctx, "stream", skewWorker(n))
		if err != nil {
			return err
		}
		s.streams = append(s.streams, one)
	}
	var err error
	if s.watch, err = s.role(ctx, "watch", "watch-1"); err != nil {
		return err
	}
	return until(ctx, skewSettled, "each stream to have its part of the partitions", func() bool {
		for _, one := range s.streams {
			text, err := body(ctx, one.Admin, "/metrics")
			if err != nil || strings.Count(text, "\nbetimes_stream_lag_records{") != skewPartitions/skewWorkers {
				return false
			}
		}
		return true
	})
}

// role starts a process, which is known to the model and to the product by a name.
func (s *skewRun) role(ctx context.Context, role, name string) (*station, error) {
	one, err := s.o.station(s.at, role, s.name, s.model.url(name))
	if err != nil {
		return nil, err
	}
	one.Latency = skewObjective.String()
	o := s.o
	o.env = append(slices.Clone(o.env), "BETIMES_INSTANCE="+name)
	p, err := o.working(ctx, one)
	if err == nil {
		s.running = append(s.running, p)
	}
	return one, err
}

func skewWorker(n int) string { return fmt.Sprintf("stream-%d", n+1) }

func skewKey(rank uint64) string { return fmt.Sprintf("key-%d", rank) }

// hotKey is the one of all that has most events.
var hotKey = skewKey(0)

// load sends events at an even rate, and asks once a second which key is hot.
func (s *skewRun) load(ctx context.Context) error {
	ranks := rand.NewZipf(rand.New(rand.NewPCG(s.o.seed, 1)), skewZipf, 1, skewKeys-1)
	began := time.Now()
	asking, stop := context.WithCancel(ctx)
	asked := make(chan struct{})
	go func() { defer close(asked); s.ask(asking, began) }()
	for n := range int(skewRate * s.o.length.Seconds()) {
		due := began.Add(time.Duration(n) * time.Second / skewRate)
		if err := pause(ctx, time.Until(due)); err != nil {
			break
		}
		key := skewKey(ranks.Uint64())
		s.sent[key]++
		s.send(key, fmt.Sprintf("%d-of-%s", n, key), due)
	}
	stop()
	<-asked
	return s.producer.Flush(ctx)
}

// send sends one event whose clock starts when it was due.
func (s *skewRun) send(key, id string, due time.Time) {
	var clock event.Timeline
	clock.Start(due)
	s.producer.Write(&kafka.Record{
		Topic: topicEvents, Partition: kafka.ByKey, Key: []byte(key), Value: fmt.Appendf(nil, `{"id":%q}`, id),
		Headers: []event.Header{{Name: event.HeaderID, Value: []byte(id)}, {Name: event.HeaderTimeline, Value: clock.AppendHeader(nil)}},
	}, func(event.Source, error) {}) // one that is not written is missing in the end
}

// ask looks at the list of keys as a page does, until ctx ends.
func (s *skewRun) ask(ctx context.Context, began time.Time) {
	for pause(ctx, 200*time.Millisecond) == nil {
		text, err := body(ctx, s.watch.Admin, "/api/v1/keys")
		var list struct{ Keys []latency.Key }
		if err != nil || json.Unmarshal([]byte(text), &list) != nil || len(list.Keys) == 0 || list.Keys[0].Key != hotKey {
			continue
		}
		if s.told = list.Keys[0]; s.named == 0 {
			s.named = time.Since(began)
		}
	}
}

// asked is what the command why says, as one line.
func (s *skewRun) asked(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, s.o.binary, "why", s.watch.file, "--at", s.watch.Admin, "--since", "1m").Output()
	return strings.Join(strings.Fields(string(out)), " "), err
}
