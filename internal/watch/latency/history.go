package latency

import (
	"time"

	"betimes/internal/pulse"
)

// Spans of the two rings.
const (
	fineStep    = 1 // s
	fineSlots   = 15 * 60
	coarseStep  = 10 // s
	coarseSlots = int64(History/time.Second) / coarseStep
)

// slot is what all instances counted in one step of a ring. Histograms stand in
// the order of the history's names.
type slot struct {
	start    int64 // Unix s
	stages   []pulse.Histogram
	outcomes map[string]int64
}

// ring keeps the newest slots of one step.
type ring struct {
	step  int64
	slots []slot
}

func newRing(step, n int64) ring { return ring{step, make([]slot, n)} }

// at returns the slot of that second, emptied of what it held a round ago; nil
// when the second is older than the ring.
func (r *ring) at(second int64) *slot {
	start := second - second%r.step
	s := &r.slots[start/r.step%int64(len(r.slots))]
	switch {
	case s.start > start:
		return nil
	case s.start < start:
		*s = slot{start: start}
	}
	return s
}

// each gives f the filled slots that begin in [from, to), oldest first.
func (r *ring) each(from, to int64, f func(*slot)) {
	n := int64(len(r.slots))
	from += (r.step - from%r.step) % r.step
	from = max(from, to-n*r.step)
	for start := from - from%r.step; start < to; start += r.step {
		if s := &r.slots[start/r.step%n]; s.start == start && start > 0 {
			f(s)
		}
	}
}

// history is what was counted by all instances, by time.
type history struct {
	names  []string // of stages, "event" first
	number map[string]int
	fine   ring
	coarse ring
	first  int64 // Unix s of the oldest count; 0 for none
	newest int64 // Unix s of the newest count
}

// maxNames bounds what foreign pulses can make us keep.
const maxNames = 64

func newHistory() *history {
	h := &history{number: map[string]int{}, fine: newRing(fineStep, fineSlots), coarse: newRing(coarseStep, coarseSlots)}
	h.name(Whole)
	return h
}

// name returns the number of a stage, -1 when there are too many.
func (h *history) name(stage string) int {
	n, ok := h.number[stage]
	switch {
	case ok:
		return n
	case len(h.names) == maxNames:
		return -1
	}
	h.number[stage] = len(h.names)
	h.names = append(h.names, stage)
	return len(h.names) - 1
}

// add counts what one instance counted until at.
func (h *history) add(at time.Time, stages map[string]pulse.Histogram, outcomes map[string]int64) {
	second := at.Unix()
	if h.first == 0 || second < h.first {
		h.first = second
	}
	h.newest = max(h.newest, second)
	for _, r := range []*ring{&h.fine, &h.coarse} {
		if s := r.at(second); s != nil {
			h.addTo(s, stages, outcomes)
		}
	}
}

func (h *history) addTo(s *slot, stages map[string]pulse.Histogram, outcomes map[string]int64) {
	for name, counts := range stages {
		n := h.name(name)
		if n < 0 || len(counts.Counts) == 0 {
			continue
		}
		for len(s.stages) <= n {
			s.stages = append(s.stages, pulse.Histogram{})
		}
		s.stages[n] = s.stages[n].Plus(counts)
	}
	if s.outcomes == nil {
		s.outcomes = make(map[string]int64, len(outcomes))
	}
	for name, n := range outcomes {
		if _, ok := s.outcomes[name]; n > 0 && (ok || len(s.outcomes) < maxNames) {
			s.outcomes[name] += n
		}
	}
}

// each gives f the slots of [from, to), fine ones where they are kept, oldest first.
func (h *history) each(from, to int64, f func(*slot)) {
	edge := h.newest + 1 - fineSlots*fineStep
	edge += (coarseStep - edge%coarseStep) % coarseStep
	if from < edge {
		h.coarse.each(from, min(edge, to), f)
	}
	h.fine.each(max(from, edge), to, f)
}

// span is what was counted over some time, by stage.
type span struct {
	stages   map[string]pulse.Histogram
	outcomes map[string]int64
}

// sum merges the slots of [from, to) that keep wants; nil keeps all.
func (h *history) sum(from, to int64, keep func(*slot) bool) span {
	piles := make([]*pile, len(h.names))
	out := span{map[string]pulse.Histogram{}, map[string]int64{}}
	h.each(from, to, func(s *slot) {
		if keep != nil && !keep(s) {
			return
		}
		for n := range s.stages {
			if piles[n] == nil {
				piles[n] = new(pile)
			}
			piles[n].add(s.stages[n])
		}
		for name, n := range s.outcomes {
			out.outcomes[name] += n
		}
	})
	for n, p := range piles {
		if p != nil && p.count > 0 {
			out.stages[h.names[n]] = p.histogram()
		}
	}
	return out
}

// pile adds up many histograms cheaply.
type pile struct {
	counts    [pulse.NumBuckets]int64
	sum, most int64
	count     int64
}

func (p *pile) add(h pulse.Histogram) {
	for i, n := range h.Counts {
		p.counts[h.Buckets[i]] += n
		p.count += n
	}
	p.sum += h.SumUS
	p.most = max(p.most, h.MaxUS)
}

func (p *pile) histogram() pulse.Histogram {
	h := pulse.Histogram{SumUS: p.sum, MaxUS: p.most}
	for i, n := range p.counts {
		if n != 0 {
			h.Buckets = append(h.Buckets, uint16(i))
			h.Counts = append(h.Counts, n)
		}
	}
	return h
}
