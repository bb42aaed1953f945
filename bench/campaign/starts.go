package main

import (
	"context"
	"slices"
	"time"
)

// What is promised of the time until up is ready.
const (
	promisedFirst = 10 * time.Second // with training
	promisedAgain = 5 * time.Second
)

// starts measures the time from the start of the process to its ready line, on
// an empty folder and on what the first start left.
func starts(ctx context.Context, o options, r *report) error {
	var first, again []time.Duration
	for n := range or(o.count, 5) {
		g, err := o.ground("start")
		if err != nil {
			return err
		}
		file, err := g.write("start.yaml")
		if err != nil {
			return err
		}
		for _, list := range []*[]time.Duration{&first, &again} {
			took, err := o.startOnce(ctx, file)
			if err != nil {
				return err
			}
			*list = append(*list, took)
		}
		o.progress("start %d: first %s, again %s", n+1, seconds(first[n]), seconds(again[n]))
	}
	for _, one := range []struct {
		what     string
		took     []time.Duration
		promised time.Duration
	}{{"first, with training", first, promisedFirst}, {"again", again, promisedAgain}} {
		slices.Sort(one.took)
		worst := one.took[len(one.took)-1]
		r.add(row{
			{"start", one.what}, {"times", len(one.took)}, {"best", seconds(one.took[0])},
			{"median", seconds(one.took[len(one.took)/2])}, {"worst", seconds(worst)}, {"promised", seconds(one.promised)},
		})
		r.require(worst < one.promised, "%s: ready after %s, promised less than %s", one.what, seconds(worst), seconds(one.promised))
	}
	return nil
}

func (o options) startOnce(ctx context.Context, file string) (time.Duration, error) {
	p, err := o.start("up", file)
	if err != nil {
		return 0, err
	}
	defer p.clear()
	took, err := p.await(ctx)
	if err != nil {
		return 0, err
	}
	return took, p.stop()
}
