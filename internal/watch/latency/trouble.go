package latency

import (
	"slices"
	"time"
)

// block is a few seconds of the history, in short.
type block struct {
	start, end  int64 // Unix s
	count, late int64 // predicted events
	mean        time.Duration
}

// blockStep is the length of a block: long enough to hold some events, short
// enough to see a rise soon.
const blockStep = 5

// blockOf puts one slot in short.
func blockOf(s *slot) block {
	b := block{start: s.start, late: s.outcomes[Late]}
	if len(s.stages) > 0 {
		b.count, b.mean = s.stages[0].Count(), s.stages[0].Mean()
	}
	return b
}

// blocks puts the history of [from, to) in short, oldest first, without empty ones.
func (h *history) blocks(from, to int64) []block {
	var out []block
	h.each(from, to, func(s *slot) {
		b := blockOf(s)
		if b.count == 0 {
			return
		}
		b.start -= b.start % blockStep
		b.end = b.start + max(h.stepOf(s), blockStep)
		if n := len(out); n > 0 && out[n-1].start == b.start {
			b = out[n-1].plus(b)
			out = out[:n-1]
		}
		out = append(out, b)
	})
	return out
}

// stepOf is how many seconds a slot spans.
func (h *history) stepOf(s *slot) int64 {
	if s == &h.coarse.slots[s.start/coarseStep%coarseSlots] {
		return coarseStep
	}
	return fineStep
}

// busy is how many seconds of a slot had events, for rates that leave idle time out.
func (h *history) busy(s *slot) int64 {
	if blockOf(s).count == 0 {
		return 0
	}
	return h.stepOf(s)
}

func (b block) plus(o block) block {
	n := b.count + o.count
	b.mean = (b.mean*time.Duration(b.count) + o.mean*time.Duration(o.count)) / time.Duration(n)
	b.count, b.late, b.end = n, b.late+o.late, max(b.end, o.end)
	return b
}

// baseline is how long an event takes when all is well, and the mean above which
// it is more than noise.
type baseline struct {
	mean, limit time.Duration
}

// reference takes the quarter of the blocks that were fastest as well: up to three
// quarters of an hour may be bad. The limit is half as much again, and more the
// more the good blocks differ among themselves; a rise that is no fiftieth of the
// objective is none that anybody must be told of.
func reference(blocks []block, objective time.Duration) baseline {
	if len(blocks) == 0 {
		return baseline{}
	}
	means := make([]time.Duration, len(blocks))
	for i, b := range blocks {
		means[i] = b.mean
	}
	slices.Sort(means)
	quarter := means[len(means)/4]
	noise := quarter - means[len(means)/20]
	return baseline{quarter, quarter + max(quarter/2, time.Millisecond, objective/50, 4*noise)}
}

// bad says whether a block rose beyond noise or missed the objective.
func bad(b block, ref baseline, allowed float64) bool {
	rose := b.count >= 5 && b.mean > ref.limit
	missed := b.late >= 2 && float64(b.late) > allowed*float64(b.count)
	return rose || missed
}

// trouble is the newest stretch of bad blocks.
type trouble struct {
	from, to    int64 // Unix s
	count, late int64
	blocks      int
}

// mayPause is how many seconds of good blocks do not end a stretch.
const mayPause = 10

// findTrouble finds the newest stretch of bad blocks that reaches into the time
// since from. One bad block alone is noise unless it missed the objective for the
// whole of that time.
func findTrouble(blocks []block, ref baseline, from int64, allowed float64) (trouble, bool) {
	var t trouble
	var all, late int64
	for _, b := range slices.Backward(blocks) {
		if b.end > from {
			all += b.count
			late += b.late
		}
		if !bad(b, ref, allowed) {
			continue
		}
		if t.blocks > 0 && t.from-b.end > mayPause {
			if t.counts() {
				break
			}
			t = trouble{}
		}
		if t.blocks == 0 && b.end <= from {
			break
		}
		t.add(b)
	}
	if t.counts() {
		return t, true
	}
	missed := late >= 2 && float64(late) > allowed*float64(all)
	if !missed || t.blocks == 0 {
		return t, false
	}
	return t, true
}

// counts says whether a stretch is more than a hiccup.
func (t trouble) counts() bool {
	return t.count >= fewEvents && (t.blocks >= 2 || t.late >= 10 && t.late*10 >= t.count)
}

func (t *trouble) add(b block) {
	if t.blocks == 0 {
		t.to = b.end
	}
	t.from = b.start
	t.count += b.count
	t.late += b.late
	t.blocks++
}
