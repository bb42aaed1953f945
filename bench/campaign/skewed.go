package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"betimes/internal/event"
)

// portion is what one worker or partition got.
type portion struct {
	workers, partitions, keys map[string]int  // events by each
	all, others               []time.Duration // from due to predicted: of all events, and of those of other keys than the hot one
}

// skewed sorts predictions by who made them.
type skewed struct {
	by                  map[string]string // worker by event
	workers, partitions map[string]*portion
	total               int
}

// sorted reads all predictions. Who was asked about an event is what the model saw.
func (s *skewRun) sorted(ctx context.Context) (*skewed, error) {
	x := &skewed{by: map[string]string{}, workers: map[string]*portion{}, partitions: map[string]*portion{}}
	for _, v := range s.model.log() {
		x.by[v.id] = v.worker
	}
	var bad error
	err := readAll(ctx, s.cluster, []string{topicPredictions}, func(e *event.Event) {
		var p event.Prediction
		if err := json.Unmarshal(e.Value, &p); err != nil {
			bad = err
			return
		}
		x.add(p.ID, int(e.Source.Partition), time.Duration(p.LatencyUS)*time.Microsecond)
	})
	if err == nil {
		err = bad
	}
	for _, part := range []map[string]*portion{x.workers, x.partitions} {
		for _, one := range part {
			slices.Sort(one.all)
			slices.Sort(one.others)
		}
	}
	return x, err
}

func (x *skewed) add(id string, partition int, took time.Duration) {
	_, key, _ := strings.Cut(id, "-of-")
	worker, number := x.by[id], fmt.Sprintf("%02d", partition)
	x.total++
	for _, one := range []*portion{portionOf(x.workers, worker), portionOf(x.partitions, number)} {
		one.workers[worker]++
		one.partitions[number]++
		one.keys[key]++
		one.all = append(one.all, took)
		if key != hotKey {
			one.others = append(one.others, took)
		}
	}
}

func portionOf(all map[string]*portion, name string) *portion {
	if all[name] == nil {
		all[name] = &portion{workers: map[string]int{}, partitions: map[string]int{}, keys: map[string]int{}}
	}
	return all[name]
}

// holder is the worker that most events of the hot key went to.
func (x *skewed) holder() (name string) {
	for _, worker := range slices.Sorted(maps.Keys(x.workers)) {
		if name == "" || x.workers[worker].keys[hotKey] > x.workers[name].keys[hotKey] {
			name = worker
		}
	}
	return name
}

// cells are the columns of a portion.
func (p *portion) cells(total int) row {
	at := func(sorted []time.Duration, q float64) string {
		if len(sorted) == 0 {
			return "–"
		}
		return milliseconds(quantile(sorted, q))
	}
	return row{
		{"keys", len(p.keys)}, {"events", len(p.all)}, {"share", share(len(p.all), total)}, {"of them the hot key's", share(p.keys[hotKey], len(p.all))},
		{"p50", at(p.all, 0.5)}, {"p99", at(p.all, 0.99)}, {"p50 of other keys", at(p.others, 0.5)}, {"p99 of other keys", at(p.others, 0.99)},
	}
}

func share(n, of int) string { return fmt.Sprintf("%.1f %%", 100*float64(n)/float64(max(of, 1))) }

// finish reads the topics, prints who got what, and judges.
func (s *skewRun) finish(ctx context.Context, r *report) error {
	x, err := s.sorted(ctx)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(x.workers)) {
		one := x.workers[name]
		r.add(append(row{{"brokers", s.at.what}, {"worker", name}, {"partitions", strings.Join(slices.Sorted(maps.Keys(one.partitions)), " ")}}, one.cells(x.total)...))
	}
	for _, number := range slices.Sorted(maps.Keys(x.partitions)) {
		one := x.partitions[number]
		r.add(append(row{{"brokers", s.at.what}, {"partition", number}, {"worker", strings.Join(slices.Sorted(maps.Keys(one.workers)), " ")}}, one.cells(x.total)...))
	}
	return s.judge(ctx, x, r)
}

func (s *skewRun) judge(ctx context.Context, x *skewed, r *report) error {
	e := examined{what: s.at.what, group: s.name}
	v, err := e.examine(ctx, s.cluster, r)
	if err != nil {
		return err
	}
	sent := 0
	for _, n := range s.sent {
		sent += n
	}
	most := 0
	for _, one := range x.workers {
		most = max(most, len(one.all))
	}
	hot := float64(s.sent[hotKey]) / float64(max(sent, 1))
	c := v.Counts
	r.add(row{
		{"brokers", s.at.what}, {"rate/s", skewRate}, {"sent", sent}, {"keys", len(s.sent)}, {"predicted", v.Places["predictions"]}, {"lost", c.Waiting}, {"duplicated", c.Duplicated}, {"reordered", c.Reordered},
		{"most ÷ mean of workers", fmt.Sprintf("%.2f", float64(most*skewWorkers)/float64(max(x.total, 1)))}, {"hot key", hotKey + " " + share(s.sent[hotKey], sent)},
		{"named after", seconds(s.named)}, {"as", s.told.String()},
	})
	r.note("%s: why: %s", s.at.what, s.why)
	e.once(&v, sent, r)
	r.require(len(x.workers) == skewWorkers, "%s: %d workers got events, not %d", s.at.what, len(x.workers), skewWorkers)
	r.require(s.named > 0, "%s: /api/v1/keys never named %s first", s.at.what, hotKey)
	r.timely(s.named <= skewNamedIn, "%s: %s was named after %s, promised %s", s.at.what, hotKey, seconds(s.named), seconds(skewNamedIn))
	r.require(s.told.Share > hot/2 && s.told.Share < 2*hot, "%s: %s is said to have %.2f of the events, it has %.2f", s.at.what, hotKey, s.told.Share, hot)
	r.require(s.told.Worker == x.holder()+"-0", "%s: %s is said to be with %s, it is with %s", s.at.what, hotKey, s.told.Worker, x.holder())
	r.timely(strings.Contains(s.why, "key "+strconv.Quote(hotKey)), "%s: why does not name %s: %s", s.at.what, hotKey, s.why)
	for _, p := range s.running {
		stopped := p.stop()
		r.require(stopped == nil, "%s: %v", s.at.what, stopped)
	}
	return nil
}

// body is what an admin listener answers.
func body(ctx context.Context, admin, path string) (string, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+path, nil)
	if err != nil {
		return "", err
	}
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s%s: %s", admin, path, answer.Status)
	}
	return string(text), err
}
