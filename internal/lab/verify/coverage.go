package verify

import (
	"cmp"
	"fmt"
	"slices"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// logs asks of each partition whether it was read whole and both readings agree.
func (j *judge) logs() {
	parts := make([]kafka.Partition, 0, len(j.books.log)+len(j.bounds))
	for p := range j.books.log {
		parts = append(parts, p)
	}
	for p := range j.bounds {
		if j.books.log[p] == nil {
			parts = append(parts, p)
		}
	}
	slices.SortFunc(parts, func(a, b kafka.Partition) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Number, b.Number))
	})
	for _, p := range parts {
		b := j.books.log[p]
		if b == nil {
			b = &book{}
		}
		j.log(p, b)
	}
}

func (j *judge) log(p kafka.Partition, b *book) {
	in, asked := j.bounds[p]
	if !asked { // told by hand: there is nothing to hold it against but itself
		in = bounds{b.base, b.base + int64(b.records.n)}
	}
	var skipped run
	digest := uint32(0)
	for offset := in.start; offset < in.end; offset++ {
		one := b.look(offset)
		if one == nil {
			one = &logged{}
		}
		src := event.Source{Topic: p.Topic, Partition: p.Number, Offset: offset}
		if asked && passedOver(one) {
			skipped.add(offset)
		}
		j.fate(one, src)
		digest = b.digest(digest, offset)
	}
	for _, r := range skipped {
		j.add(PollSkip, 0, event.Source{Topic: p.Topic, Partition: p.Number, Offset: r[0]}, fmt.Sprintf("%d records to %d were not read", r[1]-r[0]+1, r[1]))
	}
	if asked {
		j.beyond(p, b, in.end)
	}
	j.verdict.Partitions = append(j.verdict.Partitions, Partition{p.Topic, p.Number, in.start, in.end, digestText(digest)})
}

// digest goes on with that of the offsets before.
func (b *book) digest(so uint32, offset int64) uint32 {
	sum := uint32(0)
	if one := b.look(offset); one != nil {
		sum = one.sum
	}
	return recast(so, []byte{byte(sum), byte(sum >> 8), byte(sum >> 16), byte(sum >> 24)})
}

func digestText(digest uint32) string { return fmt.Sprintf("%08x", digest) }

// passedOver says that a reading did not bring a record which it had to bring.
func passedOver(one *logged) bool {
	const all = logSeen | logRead
	switch {
	case one.flags&(logSeen|logMarker) == 0:
		return true
	case one.flags&(logMarker|logAborted|logOpen) != 0:
		return false
	}
	return one.flags&all != all
}

// fate asks whether what was read as committed was.
func (j *judge) fate(one *logged, src event.Source) {
	switch {
	case one.flags&logAborted != 0:
		j.verdict.Counts.Aborted++
		if one.flags&logRead != 0 {
			j.add(AbortedRead, 0, src, "read as committed, and its transaction was aborted")
		}
	case one.flags&logOpen != 0:
		j.verdict.Counts.Open++
		if one.flags&logRead != 0 {
			j.add(PrecommittedRead, 0, src, "read as committed, and its transaction has no end")
		}
	}
}

// beyond finds records that were behind what is now the end.
func (j *judge) beyond(p kafka.Partition, b *book, end int64) {
	for offset := b.base + int64(b.records.n) - 1; offset >= end && offset >= b.base; offset-- {
		if one := b.look(offset); one != nil && one.flags&(logKnown|logSeen|logRead) == logKnown {
			j.add(InconsistentOffsets, 0, event.Source{Topic: p.Topic, Partition: p.Number, Offset: offset}, fmt.Sprintf("a record was here, the topic ends at %d", end))
		}
	}
}

// run collects offsets into ranges from, to.
type run [][2]int64

func (r *run) add(offset int64) {
	if n := len(*r); n > 0 && (*r)[n-1][1] == offset-1 {
		(*r)[n-1][1] = offset
		return
	}
	*r = append(*r, [2]int64{offset, offset})
}
