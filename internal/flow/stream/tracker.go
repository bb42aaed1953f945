package stream

import "time"

// tracker knows which offsets of one partition are finished. Offsets come in
// rising order, gaps allowed; they finish in any order.
type tracker struct {
	entries   []entry   // from the lowest unfinished on
	first     int64     // sequence number of entries[0]
	next      int64     // offset to commit: all below are finished; -1: nothing yet
	stretches int       // of finished entries
	before    []stretch // what an owner before had finished above its commit
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
	i := int(seq - t.first)
	t.entries[i].done = true
	t.stretches++
	if i > 0 && t.entries[i-1].done {
		t.stretches--
	}
	if i+1 < len(t.entries) && t.entries[i+1].done {
		t.stretches--
	}
	n := 0
	for n < len(t.entries) && t.entries[n].done {
		t.next = t.entries[n].offset + 1
		n++
	}
	if n > 0 {
		t.stretches--
	}
	t.entries = t.entries[n:]
	t.first += int64(n)
	return n
}

// end is one after the newest offset there is.
func (t *tracker) end() int64 {
	if len(t.entries) == 0 {
		return t.next
	}
	return t.entries[len(t.entries)-1].offset + 1
}

// oldest is the timestamp of the lowest unfinished record, zero when there is none.
func (t *tracker) oldest() time.Time {
	if len(t.entries) == 0 {
		return time.Time{}
	}
	return t.entries[0].at
}
