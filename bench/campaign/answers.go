package main

import (
	"slices"
	"time"

	"betimes/internal/lab/loadgen"
)

// answers are what became of the sends of a ledger.
type answers struct {
	sent, accepted, unknown, refused, failed int

	missing int // accepted, and not in the topic of events where the answer said
}

// answers holds the ledger against the ids in the topic, by their place.
func (l *ledger) answers(in map[string]string) answers {
	a := answers{sent: len(l.sends)}
	for id, s := range l.sends {
		switch s.outcome {
		case loadgen.Accepted:
			a.accepted++
			if in[s.source] != id {
				a.missing++
			}
		case loadgen.Failed:
			a.failed++
		case loadgen.Refused:
			a.refused++
		default:
			a.unknown++
		}
	}
	return a
}

// among counts the events that were sent whose id is there.
func (l *ledger) among(there map[string]string) int {
	ids := map[string]bool{}
	for _, id := range there {
		if _, sent := l.sends[id]; sent {
			ids[id] = true
		}
	}
	return len(ids)
}

// firstAfter is, for each kill that was followed by an ending before the next
// one, how long that took. all are in order.
func firstAfter(all, kills []time.Time) []time.Duration {
	var took []time.Duration
	for i, kill := range kills {
		n, _ := slices.BinarySearchFunc(all, kill, time.Time.Compare)
		if n == len(all) || i+1 < len(kills) && !all[n].Before(kills[i+1]) {
			continue
		}
		took = append(took, all[n].Sub(kill))
	}
	return took
}
