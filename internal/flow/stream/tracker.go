package stream

import "time"

// tracker knows which offsets of one partition are finished. Offsets come in
// rising order, gaps allowed; they finish in any order.
type tracker struct {
	entries []entry // from the lowest unfinished on
	first   int64   // sequence number of entries[0]
	next    int64   // offset to commit: all below are finished; -1: nothing yet
}

type entry struct {
	offset int64
	at     time.Time // the record's timestamp
	done   bool
}

// add notes an offset and returns its sequence number.
func (t *tracker) add(offset int64, at time.Time) int64 {
	t.entries = append(t.entries, entry{offset: offset, at: at})
	return t.first + int64(len(t.entries)) - 1
}

// finish notes that a sequence number is done, and returns how many offsets
// need not be remembered any more.
func (t *tracker) finish(seq int64) int {
	t.entries[seq-t.first].done = true
	n := 0
	for n < len(t.entries) && t.entries[n].done {
		t.next = t.entries[n].offset + 1
		n++
	}
	t.entries = t.entries[n:]
	t.first += int64(n)
	return n
}

// oldest is the timestamp of the lowest unfinished record, zero when there is none.
func (t *tracker) oldest() time.Time {
	if len(t.entries) == 0 {
		return time.Time{}
	}
	return t.entries[0].at
}
