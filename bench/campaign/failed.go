package main

import (
	"context"
	"slices"
	"time"
)

// judge waits for the last commit, reads the topics and compares.
func (f *failoverRun) judge(ctx context.Context, group string, r *report) error {
	cluster, err := f.at.open()
	if err != nil {
		return err
	}
	defer cluster.Close()
	e := examined{what: f.what, group: group}
	v, err := e.examine(ctx, cluster, r)
	if err != nil {
		return err
	}
	in, err := idsOf(ctx, cluster, topicEvents)
	if err != nil {
		return err
	}
	c, a := v.Counts, f.ledger.answers(in)
	t := f.times()
	r.add(row{
		{"brokers", f.at.what}, {"session timeout", f.what}, {"kills", len(f.faults) / 2}, {"sent", a.sent}, {"accepted", a.accepted}, {"unknown", a.unknown}, {"refused", a.refused + a.failed},
		{"predicted", v.Places["predictions"]}, {"lost", c.Waiting + int64(a.missing)}, {"written twice", c.Repeated}, {"predicted twice", c.Duplicated}, {"reordered", c.Reordered},
		{"p99 before", milliseconds(t.before)}, {"slowest event", seconds(t.slowest)},
		{"p99 back after a kill, p50 / worst", seconds(t.kill[len(t.kill)/2]) + " / " + seconds(t.kill[len(t.kill)-1])},
		{"after a start", seconds(t.start[len(t.start)/2]) + " / " + seconds(t.start[len(t.start)-1])},
	})
	if len(f.ledger.problems) > 0 {
		r.note("%s: sends without 202: %s", f.what, listed(f.ledger.problems))
	}
	r.require(a.accepted > 0 && a.missing == 0, "%s: of %d accepted events %d are not in the topic where the answer said", f.what, a.accepted, a.missing)
	r.require(c.Repeated == 0, "%s: %d events written twice", f.what, c.Repeated)
	e.once(&v, int(c.Events), r)
	r.timely(t.before <= failoverCalm, "%s: p99 was %s before any kill: the machine was too busy to judge the time after one", f.what, milliseconds(t.before))
	if f.judged {
		worst := max(t.kill[len(t.kill)-1], t.start[len(t.start)-1])
		r.timely(worst <= failoverBack, "%s: p99 was back after %s, promised %s", f.what, seconds(worst), failoverBack)
	}
	return nil
}

// outageTimes are what callers felt of the faults.
type outageTimes struct {
	before      time.Duration   // p99, before the first kill
	slowest     time.Duration   // of all events
	kill, start []time.Duration // until p99 was back; sorted
}

// times compares the seconds after each fault with those before the first kill:
// p99 is back when it is not more than twice what it was, or a moment.
func (f *failoverRun) times() outageTimes {
	all := felt(f.ledger, f.arrived)
	var t outageTimes
	t.before = percentile(within(all, f.faults[0].at.Add(-failoverKnown), f.faults[0].at), 99)
	limit := max(2*t.before, failoverLeast)
	for i, one := range f.faults {
		end := one.at.Add(f.quiet())
		if i+1 < len(f.faults) {
			end = f.faults[i+1].at
		}
		took := back(all, one.at, end, limit)
		if one.killed {
			t.kill = append(t.kill, took)
		} else {
			t.start = append(t.start, took)
		}
	}
	for _, w := range all {
		t.slowest = max(t.slowest, w.took)
	}
	for _, list := range [][]time.Duration{t.kill, t.start} {
		slices.Sort(list)
	}
	return t
}
