package trail

import "slices"

// recent holds the newest entries in memory until they are sealed. An event that
// ends while it is here takes one entry; else its ending takes another.
type recent struct {
	slots []slot
	first map[uint64]int32 // hash → its newest slot
}

type slot struct {
	entry
	source entry // of an ending: where its event was accepted
	ended  bool
	next   int32 // older slot of the same hash, -1 for none
}

func newRecent(capacity int) *recent {
	return &recent{slots: make([]slot, 0, capacity), first: make(map[uint64]int32, capacity)}
}

func (r *recent) full() bool { return len(r.slots) == cap(r.slots) }

// accept notes an event's record, unless it is known or its ending was seen first.
func (r *recent) accept(e entry) {
	for i := r.head(e.hash); i >= 0; i = r.slots[i].next {
		if s := &r.slots[i]; s.same(e) || s.ended && s.source.same(e) {
			return
		}
	}
	r.push(slot{entry: e})
}

// end notes an ending's record in place of the event's own.
func (r *recent) end(e, source entry, known bool) {
	for i := r.head(e.hash); i >= 0; i = r.slots[i].next {
		s := &r.slots[i]
		if s.ended && s.same(e) {
			return
		}
		if known && !s.ended && s.same(source) {
			s.entry, s.source, s.ended = e, source, true
			return
		}
	}
	r.push(slot{entry: e, source: source, ended: known})
}

func (r *recent) head(hash uint64) int32 {
	if i, ok := r.first[hash]; ok {
		return i
	}
	return -1
}

func (r *recent) push(s slot) {
	s.next = r.head(s.hash)
	r.first[s.hash] = int32(len(r.slots))
	r.slots = append(r.slots, s)
}

// find appends the entries of a hash.
func (r *recent) find(hash uint64, out []entry) []entry {
	for i := r.head(hash); i >= 0; i = r.slots[i].next {
		out = append(out, r.slots[i].entry)
	}
	return out
}

// sorted gives the entries in the order of a segment.
func (r *recent) sorted() []entry {
	out := make([]entry, len(r.slots))
	for i := range r.slots {
		out[i] = r.slots[i].entry
	}
	slices.SortFunc(out, compareEntries)
	return out
}
