package main

import (
	"context"
	"fmt"

	"betimes/internal/kafka"
	"betimes/internal/lab/verify"
)

// judge waits for the last commit, reads the topics and compares.
func (f *failoverRun) judge(ctx context.Context, cluster *kafka.Cluster, r *report) error {
	what := fmt.Sprintf("%s, %s", f.mode.name, f.session.what)
	e := examined{what: what, group: f.group, mode: f.mode, faults: f.windows()}
	v, err := e.examine(ctx, cluster, r)
	if err != nil {
		return err
	}
	in, err := idsOf(ctx, cluster, topicEvents)
	if err != nil {
		return err
	}
	c, a, t := v.Counts, f.ledger.answers(in), f.times()
	r.add(row{
		{"brokers", f.at.what}, {"guarantee", f.mode.name}, {"session timeout", f.session.what}, {"kills", len(f.outages) / 2},
		{"sent", a.sent}, {"accepted", a.accepted}, {"unknown", a.unknown}, {"refused", a.refused + a.failed},
		{"predicted", v.Places["predictions"]}, {"lost", c.Waiting + int64(a.missing)}, {"written twice", c.Repeated}, {"predicted twice", c.Duplicated}, {"reordered", c.Reordered},
		{"p99 before", milliseconds(t.before)}, {"back means", "≤ " + milliseconds(t.limit)}, {"slowest event", seconds(t.slowest)},
		{"p99 back after a leader's kill, number: p50 / worst", t.text(leads)}, {"the coordinator's", t.text(coordinates)}, {"the controller's", t.text(controls)},
		{"who was both", t.text(both)}, {"after a start", t.text(startsAgain)},
		{"slow seconds after that", fmt.Sprintf("%d of %d", t.slow, t.of)},
	})
	if len(f.ledger.problems) > 0 {
		r.note("%s: sends without 202: %s", what, listed(f.ledger.problems))
	}
	r.require(a.accepted > 0 && a.missing == 0, "%s: of %d accepted events %d are not in the topic where the answer said", what, a.accepted, a.missing)
	r.require(c.Repeated == 0, "%s: %d events written twice", what, c.Repeated)
	r.require(c.Reordered == 0, "%s: %d reordered", what, c.Reordered)
	e.predicted(&v, r)
	if !f.session.kafkas {
		r.timely(t.before <= failoverCalm, "%s: p99 was %s before any kill: the machine was too busy to judge the time after one", what, milliseconds(t.before))
		r.timely(t.worst() <= failoverBack, "%s: p99 was back after %s, promised %s", what, seconds(t.worst()), failoverBack)
	}
	return nil
}

// windows are the times in which what was in flight may be done again, where
// that is allowed: while a broker is away.
func (f *failoverRun) windows() []verify.Window {
	var list []verify.Window
	for i := 0; i+1 < len(f.outages); i += 2 {
		list = append(list, verify.Window{From: f.outages[i].at, To: f.outages[i+1].at})
	}
	return list
}
