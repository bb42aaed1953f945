package main

import (
	"fmt"
	"slices"
	"time"
)

// life is one process of a worker, from its start to its end.
type life struct {
	worker   string // its path at the witness
	from, to time.Time
	how      ended
}

// ended is how a life did.
type ended uint8

const (
	lives   ended = iota
	left          // SIGTERM
	crashed       // kill -9
)

// history is all that was seen of a group from outside.
type history struct {
	calls   []visit          // in the order of their time
	lives   []life           // all there were
	where   map[string]int32 // partition of an event, by id
	held    *holdings
	session time.Duration // how long the group waits for a member that crashed
	shared  bool          // nobody has a partition for himself, and who reads it is not known
}

// stops are the longest times in which a partition stood still.
type stops struct {
	kept     time.Duration // with a worker that had it all the time
	moved    time.Duration // when no crash was about
	orphaned time.Duration // while the group waited for a member that had crashed
	beyond   time.Duration // of that, after the group need not wait any more
	who      string        // which partition it was that was kept
}

// standstills looks for the longest times between two calls about one partition.
func (h *history) standstills() stops {
	var s stops
	newest := map[int32]visit{}
	for _, v := range h.calls {
		p, known := h.where[v.id]
		if !known {
			continue
		}
		before, any := newest[p]
		newest[p] = v
		if any {
			s.add(h, p, before, v)
		}
	}
	return s
}

// add looks at the time between two calls about one partition.
func (s *stops) add(h *history, p int32, a, b visit) {
	gap := b.at.Sub(a.at)
	if !h.shared && a.worker == b.worker && h.held.throughout(a.worker, p, a.at, b.at) {
		if gap > s.kept {
			s.kept, s.who = gap, fmt.Sprintf("%d of %s at %s", p, a.worker, a.at.Format("15:04:05.000"))
		}
		return
	}
	until := h.awaited(a.at, b.at)
	if until.Equal(a.at) {
		s.moved = max(s.moved, gap)
		return
	}
	s.orphaned = max(s.orphaned, gap)
	s.beyond = max(s.beyond, b.at.Sub(until))
}

// orphanMore is how much longer than a session a partition may stand still.
const orphanMore = 2 * time.Second

// awaited is until when the group may have waited for crashed members, one after
// another, without a call about a partition since from; from when there was none.
func (h *history) awaited(from, to time.Time) time.Time {
	until := from
	for again := true; again; {
		again = false
		for _, l := range h.lives {
			missed := l.to.Add(h.session)
			if l.how == crashed && l.to.Before(to) && !l.to.After(until.Add(orphanMore)) && missed.After(until) {
				until, again = missed, true
			}
		}
	}
	return until
}

// again are events that were asked about more than once.
type again struct {
	crash     int // after the crash of the worker that asked before
	excess    int // of those, more than it had in flight
	worst     int // most of one crash
	handOver  int // after a worker that lives or left gave the partition up
	worstMove int // most of one such worker
}

// askedAgain charges every repeated call to the worker that had asked before.
func (h *history) askedAgain() again {
	charged := map[string]int{}
	newest := map[string]visit{}
	for _, v := range h.calls {
		if before, asked := newest[v.id]; asked {
			charged[before.worker]++
		}
		newest[v.id] = v
	}
	var a again
	for _, l := range h.lives {
		n := charged[l.worker]
		if l.how != crashed {
			a.handOver += n
			a.worstMove = max(a.worstMove, n)
			continue
		}
		a.crash += n
		a.worst = max(a.worst, n)
		a.excess += max(0, n-h.flying(l))
	}
	return a
}

// flying is how many events a worker asked about so shortly before its end that
// their offsets may not have been committed.
func (h *history) flying(l life) int {
	n := 0
	for _, v := range slices.Backward(h.calls) {
		if v.worker == l.worker && l.to.Sub(v.at) <= inFlight {
			n++
		}
	}
	return n
}
