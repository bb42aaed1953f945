package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"betimes/internal/kafka"
)

// outage is a broker that was killed, and what it was to the others, or started.
type outage struct {
	at  time.Time
	was duty
}

// duty is what a broker does beside leading partitions, as all of them do.
type duty string

const (
	leads       duty = "leader"
	coordinates duty = "coordinator"
	controls    duty = "controller"
	both        duty = "coordinator and controller"
	startsAgain duty = "start"
)

// duties are those that are killed in turn; both happens.
var duties = []duty{leads, coordinates, controls}

// choose picks the broker for kill n by its duty, in turn from one that the seed
// decides: short runs with seeds that follow each other kill all alike.
func (f *failoverRun) choose(ctx context.Context, cluster *kafka.Cluster, n int) (id int, was duty, err error) {
	coordinator, err := cluster.Coordinator(ctx, f.group)
	if err != nil {
		return 0, "", err
	}
	controller, err := cluster.QuorumLeader(ctx)
	if err != nil {
		return 0, "", err
	}
	next := n + int(f.o.seed%uint64(len(duties)))
	switch was = duties[next%len(duties)]; was {
	case leads:
		for id = next%f.at.count + 1; id == int(coordinator) || id == int(controller); {
			id = id%f.at.count + 1
		}
		return id, was, nil
	case coordinates:
		id = int(coordinator)
	case controls:
		id = int(controller)
	}
	if coordinator == controller {
		was = both
	}
	return id, was, nil
}

// underWay is how long before a kill an event may be due that feels it.
const underWay = time.Second

// outageTimes are what callers felt of the faults.
type outageTimes struct {
	before   time.Duration            // p99, before the first kill
	limit    time.Duration            // of p99 that is back
	slowest  time.Duration            // of all events
	back     map[duty][]time.Duration // until p99 was; sorted
	slow, of int                      // seconds after that whose own p99 was over limit, of all
}

// times compares the events after each fault with those before the first kill,
// when all are warm: p99 is back when it is not more than twice what it was, or a
// moment. What is under way at the next kill tells of that one.
func (f *failoverRun) times() outageTimes {
	all := felt(f.ledger, f.arrived)
	first := f.outages[0].at
	from, to := first.Add(-f.o.quiet(f.session)*3/4), first.Add(-underWay)
	t := outageTimes{before: percentile(within(all, from, to), 99), back: map[duty][]time.Duration{}}
	t.limit = max(2*t.before, failoverLeast)
	for i, one := range f.outages {
		end := f.ended
		if i+1 < len(f.outages) {
			end = f.outages[i+1].at.Add(-underWay)
		}
		took := back(all, one.at, end, t.limit)
		slow, of := slowSeconds(all, one.at.Add(took), end, t.limit)
		t.back[one.was] = append(t.back[one.was], took)
		t.slow, t.of = t.slow+slow, t.of+of
	}
	for _, w := range all {
		t.slowest = max(t.slowest, w.took)
	}
	for _, list := range t.back {
		slices.Sort(list)
	}
	return t
}

// text tells how often a duty's outages were, and the middle and worst of them.
func (t *outageTimes) text(was duty) string {
	list := t.back[was]
	if len(list) == 0 {
		return "none"
	}
	return fmt.Sprintf("%d: %s / %s", len(list), seconds(list[len(list)/2]), seconds(list[len(list)-1]))
}

// worst is the longest of all.
func (t *outageTimes) worst() time.Duration {
	var worst time.Duration
	for _, list := range t.back {
		worst = max(worst, list[len(list)-1])
	}
	return worst
}
