package main

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// What is promised at 500 events/s with a model of 5 ms.
const (
	serviceTime   = 5 * time.Millisecond
	promisedP99   = 50 * time.Millisecond
	promisedUp    = 300 << 20 // bytes of up with V1
	promisedAlone = 60 << 20  // bytes of the role stream alone
	residualShare = 0.01      // of what is measured, or
	residualLeast = 50 * time.Microsecond
)

// finish stops the process, adds the row and judges.
func (s *sustained) finish(p *process, model *stub, r *report) error {
	stopped := p.stop()
	r.require(stopped == nil, "%v", stopped)
	var off difference
	if model != nil {
		log, calls := model.log()
		off = compare(s.models, log)
		r.note("%s: the stub was asked %d times for %d events", s.what, calls, s.report.Events)
	}
	if s.report.Residual == nil {
		return errors.New("no prediction was measured")
	}
	r.add(s.row(model, off))
	s.judge(r, model, off)
	return nil
}

// difference is between the stage model and the stub's own log, per event.
type difference struct {
	p50, p99 time.Duration
	beyond   int // events off by more than the bound
	unknown  int // events without the one or the other
	events   int // that were compared
}

// compare compares event by event.
func compare(stages, log map[string]time.Duration) difference {
	var d difference
	var all []time.Duration
	for id, stage := range stages {
		own, ok := log[id]
		if !ok {
			d.unknown++
			continue
		}
		off := max(stage-own, own-stage)
		all = append(all, off)
		if off > max(residualLeast, time.Duration(float64(own)*residualShare)) {
			d.beyond++
		}
	}
	d.unknown += max(len(log)-len(stages), 0)
	if d.events = len(all); d.events > 0 {
		slices.Sort(all)
		d.p50, d.p99 = all[len(all)/2], all[len(all)*99/100]
	}
	return d
}

func (s *sustained) row(model *stub, off difference) row {
	c, us := &s.report, func(n int64) string { return milliseconds(time.Duration(n) * time.Microsecond) }
	own := "–"
	if model != nil {
		own = fmt.Sprintf("%d / %d µs", off.p50.Microseconds(), off.p99.Microseconds())
	}
	return row{
		{"run", s.what}, {"rate/s", c.Rate}, {"accepted", c.Accepted}, {"predicted", c.Predicted}, {"lost", c.Lost}, {"duplicated", c.Duplicated},
		{"reordered", c.Reordered}, {"late", c.Late}, {"p50", us(c.P50)}, {"p99", us(c.P99)}, {"p99.9", us(c.P999)},
		{"generator lag p99", us(c.Lag.P99)}, {"residual p50 / p99", fmt.Sprintf("%d / %d µs", c.Residual.P50, c.Residual.P99)},
		{"model less stub's log p50 / p99", own}, {"peak memory", mebibytes(s.peak)},
		{"cores used by others", fmt.Sprintf("%.2f", s.others)},
	}
}

func (s *sustained) judge(r *report, model *stub, off difference) {
	c := &s.report
	r.require(c.Accepted == c.Sent, "%s: %d of %d sends were not accepted", s.what, c.Sent-c.Accepted, c.Sent)
	r.require(c.Lost == 0 && c.Duplicated == 0 && c.Reordered == 0, "%s: lost %d, duplicated %d, reordered %d", s.what, c.Lost, c.Duplicated, c.Reordered)
	r.require(c.Predicted == c.Accepted, "%s: %d of %d accepted are predicted", s.what, c.Predicted, c.Accepted)
	r.require(time.Duration(c.P99)*time.Microsecond < promisedP99, "%s: p99 %d µs, promised less than %s", s.what, c.P99, promisedP99)
	r.require(c.Residual.Beyond <= 0.01, "%s: the rows of %.1f %% of the events do not add up to their latency within 1 %% or 50 µs", s.what, 100*c.Residual.Beyond)
	if model != nil {
		r.require(off.beyond*100 <= off.events, "%s: the stage model of %d of %d events is off the stub's log by more than 1 %% and 50 µs", s.what, off.beyond, off.events)
		r.require(off.unknown == 0, "%s: %d events without a stage model or not in the stub's log", s.what, off.unknown)
	}
	r.require(s.peak < s.memory, "%s: %s at the peak, promised less than %s", s.what, mebibytes(s.peak), mebibytes(s.memory))
}
