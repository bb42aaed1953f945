package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
	"betimes/internal/lab/loadgen/payments"
)

// age of the records of a backlog, and how far apart they are.
const (
	backlogAge  = time.Hour
	backlogStep = time.Millisecond
)

// backlog attaches a stream to a topic that was full before it came.
func backlog(ctx context.Context, o options, r *report) error {
	model, err := newStub(0, 0)
	if err != nil {
		return err
	}
	defer model.close()
	g, brokers, err := o.apart(ctx, "backlog")
	if err != nil {
		return err
	}
	defer brokers.clear()
	cluster, err := g.open()
	if err != nil {
		return err
	}
	defer cluster.Close()
	records := or(o.count, 100_000)
	if err := fill(ctx, cluster, o.seed, records); err != nil {
		return err
	}
	o.progress("%d records written, %s old", records, backlogAge)
	p, err := o.attach(g, model.url)
	if err != nil {
		return err
	}
	defer p.clear()
	if _, err := p.await(ctx); err != nil {
		return err
	}
	slow := drained(ctx, cluster, g.Name)
	done := time.Since(p.started)
	return countBacklog(ctx, g, cluster, p, r, backlogRun{records, done, slow})
}

// backlogRun is what is known before the topics are read.
type backlogRun struct {
	records int
	done    time.Duration // from the start of the process to the last commit
	slow    error
}

// apart starts the brokers of a ground in a process of their own.
func (o options) apart(ctx context.Context, name string) (*ground, *process, error) {
	g, err := o.ground(name)
	if err != nil {
		return nil, nil, err
	}
	file, err := g.write("brokers.yaml")
	if err != nil {
		return nil, nil, err
	}
	p, err := o.start("broker", file)
	if err != nil {
		return nil, nil, err
	}
	if _, err := p.await(ctx); err != nil {
		p.clear()
		return nil, nil, err
	}
	return g, p, nil
}

// attach starts the role stream on the brokers of a ground.
func (o options) attach(g *ground, model string) (*process, error) {
	g.Foreign, g.Model = strings.Join(g.Seeds, ", "), model
	file, err := g.write("stream.yaml")
	if err != nil {
		return nil, err
	}
	return o.start("stream", file)
}

// fill writes records as a foreign producer would: key, value and a time.
func fill(ctx context.Context, cluster *kafka.Cluster, seed uint64, records int) error {
	producer, err := cluster.NewProducer("backlog")
	if err != nil {
		return err
	}
	defer producer.Close()
	generator := payments.NewGenerator(payments.Options{Seed: seed})
	first := time.Now().Add(-backlogAge - time.Duration(records)*backlogStep)
	var failed atomic.Pointer[error]
	for n := range records {
		at := first.Add(time.Duration(n) * backlogStep)
		p := generator.Next(at)
		producer.Write(&kafka.Record{
			Topic: topicEvents, Partition: kafka.ByKey, Key: []byte(p.Card), Value: p.AppendJSON(nil), Time: at,
		}, func(_ event.Source, err error) {
			if err != nil {
				failed.CompareAndSwap(nil, &err)
			}
		})
		if n%1000 == 999 { // the producer holds so many and no more
			if err := producer.Flush(ctx); err != nil {
				return err
			}
		}
	}
	if err := producer.Flush(ctx); err != nil {
		return err
	}
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// countBacklog reads the topics and asks the stream how many were late.
func countBacklog(ctx context.Context, g *ground, cluster *kafka.Cluster, p *process, r *report, run backlogRun) error {
	late, err := counter(g.Admin, "betimes_stream_late_total")
	if err != nil {
		return err
	}
	e := examined{what: "backlog", group: g.Name}
	v, err := e.examine(ctx, cluster, r)
	if err != nil {
		return errors.Join(run.slow, err)
	}
	ends, err := endings(ctx, cluster)
	if err != nil || len(ends) == 0 {
		return errors.Join(err, run.slow)
	}
	length := ends[len(ends)-1].Sub(ends[0])
	c, predicted := v.Counts, v.Places["predictions"]
	r.add(row{
		{"records", run.records}, {"predicted", predicted}, {"lost", c.Waiting}, {"shed", v.Places["shed"]},
		{"dead-lettered", v.Places["dead-letters"]}, {"duplicated", c.Duplicated}, {"reordered", c.Reordered}, {"late", late},
		{"predictions/s", fmt.Sprintf("%.0f", float64(predicted)/max(length.Seconds(), 1e-3))},
		{"process start to last commit", seconds(run.done)}, {"peak memory", mebibytes(p.peak())},
	})
	r.require(run.slow == nil, "%v", run.slow)
	e.once(&v, run.records, r)
	r.require(late == run.records, "%d counted as late, all %d were", late, run.records)
	stopped := p.stop()
	r.require(stopped == nil, "%v", stopped)
	return nil
}

func mebibytes(n int64) string { return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20)) }
