package main

import (
	"context"
	"fmt"

	"betimes/internal/kafka"
)

// judge waits for the last commit, reads the topics and compares.
func (s *stormRun) judge(ctx context.Context, cluster *kafka.Cluster, l *ledger, r *report) error {
	what := fmt.Sprintf("%s, %s, %s", s.at.what, s.what, s.kind())
	if !s.shared { // else nothing is committed, and who reads the topics waits for the last ending
		slow := drained(ctx, cluster, s.group)
		r.require(slow == nil, "%s: %v", what, slow)
		s.wrong = append(s.wrong, s.end()...)
	}
	e := examined{what: what, group: s.group, mode: mode{shared: s.shared}}
	v, err := e.examine(ctx, cluster, r)
	if err != nil {
		return err
	}
	s.wrong = append(s.wrong, s.end()...)
	for _, err := range s.wrong {
		r.require(false, "%s: %v", what, err)
	}
	in, err := idsOf(ctx, cluster, topicEvents)
	if err != nil {
		return err
	}
	c, a := v.Counts, l.answers(in)
	h := &history{calls: s.witness.log(), lives: s.all(), where: l.partitionsByID(), held: s.held, session: stormSession, shared: s.shared}
	stood, twice := h.standstills(), h.askedAgain()
	crashes, leaves := 0, 0
	for _, one := range s.gone {
		if one.how == crashed {
			crashes++
		}
		if one.how == left {
			leaves++
		}
	}
	r.add(row{
		{"brokers", s.at.what}, {"members", s.what}, {"run", s.kind()}, {"joined", s.joins}, {"left", leaves}, {"crashed", crashes},
		{"events", a.sent}, {"lost", c.Waiting + int64(a.missing)}, {"reordered", c.Reordered}, {"ended again, with the runs before", c.Duplicated},
		{"asked again after a crash (most)", fmt.Sprintf("%d (%d)", twice.crash, twice.worst)}, {"after a hand-over (most)", fmt.Sprintf("%d (%d)", twice.handOver, twice.worstMove)},
		{"stood still: kept", milliseconds(stood.kept)}, {"moved", milliseconds(stood.moved)},
		{"orphaned", seconds(stood.orphaned)}, {"of that, after the session", seconds(stood.beyond)},
	})
	r.require(a.accepted > 0 && a.accepted == a.sent, "%s: %d of %d events were acknowledged", what, a.accepted, a.sent)
	r.require(a.missing == 0, "%s: %d acknowledged events are not in the topic", what, a.missing)
	e.predicted(&v, r)
	r.require(c.Reordered == 0, "%s: %d predictions behind a later event of their key", what, c.Reordered)
	r.require(twice.excess == 0, "%s: %d events were asked about again that were not in flight at a crash", what, twice.excess)
	r.require(twice.handOver == 0, "%s: %d events were asked about again after a hand-over", what, twice.handOver)
	r.timely(stood.kept <= stormKept, "%s: partition %s, which had it, stood still for %s, promised %s", what, stood.who, seconds(stood.kept), stormKept)
	r.timely(stood.moved <= stormMoved, "%s: a partition that moved stood still for %s, promised %s", what, seconds(stood.moved), stormMoved)
	r.timely(stood.beyond <= orphanMore, "%s: after a crash a partition stood still for %s longer than a session, promised %s", what, seconds(stood.beyond), orphanMore)
	return nil
}
