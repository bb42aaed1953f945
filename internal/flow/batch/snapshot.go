package batch

import (
	"cmp"
	"maps"
	"math/bits"
	"slices"
	"time"

	"betimes/internal/pulse"
)

// tally is what a Queue counts for the pulse. It is guarded by the Queue's mutex.
type tally struct {
	reasons map[string]int64
	sizes   [sizeSteps]int64
	events  int64
	splits  int64
}

const (
	sizeSteps = 12 // 1, 2, up to 4, … up to 2048 events
	mostLanes = 8  // that a pulse names
)

// alone is the reason of a call about one event that found nobody waiting.
const alone = "alone"

// left counts a call about n events.
func (t *tally) left(n int, why string) {
	if t.reasons == nil {
		t.reasons = map[string]int64{}
	}
	t.reasons[why]++
	t.events += int64(n)
	t.sizes[min(bits.Len(uint(max(n, 1)-1)), sizeSteps-1)]++
}

// Snapshot is what a pulse says of the model's calls.
func (q *Queue) Snapshot() *pulse.Batch {
	q.mu.Lock()
	defer q.mu.Unlock()
	out := &pulse.Batch{
		Reasons: maps.Clone(q.tally.reasons), Events: q.tally.events, Splits: q.tally.splits,
		UnderWay: q.calls, Limit: q.room(), Most: q.most, Apart: q.compare.state == apart, Waiting: q.waiting,
	}
	if q.tally.events > 0 {
		out.Sizes = slices.Clone(q.tally.sizes[:])
	}
	if q.cost.weight > 0 {
		out.CallUS, out.EventUS = 1e6*q.cost.fixed, 1e6*q.cost.each
	}
	out.Lanes = q.longest(time.Now())
	return out
}

// longest are the lanes in which most events wait. q.mu is held.
func (q *Queue) longest(now time.Time) []pulse.Lane {
	all := make([]pulse.Lane, 0, len(q.lanes))
	for _, l := range q.lanes {
		all = append(all, pulse.Lane{Priority: l.priority, Waiting: len(l.members), OldestUS: now.Sub(l.members[0].since).Microseconds()})
	}
	slices.SortFunc(all, func(a, b pulse.Lane) int {
		return cmp.Or(cmp.Compare(b.Waiting, a.Waiting), cmp.Compare(b.Priority, a.Priority))
	})
	return all[:min(len(all), mostLanes)]
}
