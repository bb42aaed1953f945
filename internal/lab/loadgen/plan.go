package loadgen

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

const (
	// maxEvents bounds the events of one run.
	maxEvents = 50_000_000
	// ahead is how many events are made before they are due.
	ahead = 4096
)

// planned is an event made ahead of its moment.
type planned struct {
	item
	intended time.Time
}

// open makes workload and schedule.
func (r *run) open() error {
	var err error
	switch r.config.Workload {
	case Payments:
		r.workload = newPayments(r.config)
	case Crayfish:
		r.workload = newCrayfish(r.config)
	default:
		if r.workload, err = newFile(r.config); err != nil {
			return err
		}
	}
	if r.config.Rate == 0 && !strings.HasPrefix(r.config.Shape, trace) {
		return nil
	}
	r.schedule, err = newSchedule(r.config)
	if err == nil {
		r.schedule = r.schedule.cut(r.config.For)
	}
	return err
}

// make makes the events ahead of time.
func (r *run) make(ctx context.Context) {
	defer close(r.plan)
	for range maxEvents {
		p, err := r.next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				r.planErr = err
			}
			return
		}
		select {
		case r.plan <- p:
		case <-ctx.Done():
			return
		}
	}
	r.planErr = fmt.Errorf("a run sends at most %d events; lower rate or for", maxEvents)
}

// next makes the next event and its moment; io.EOF is the end.
func (r *run) next() (planned, error) {
	if r.schedule == nil { // by the events' own times
		it, err := r.workload.next(r.start)
		if err == nil && r.config.For > 0 && it.offset >= r.config.For {
			err = io.EOF
		}
		return planned{it, r.start.Add(it.offset)}, err
	}
	offset, err := r.schedule()
	if err != nil {
		return planned{}, err
	}
	at := r.start.Add(offset)
	it, err := r.workload.next(at)
	return planned{it, at}, err
}
