package trail

import (
	"iter"
	"slices"
)

// mergeWidth is how many segments of about one size become one. More: less is
// written again; fewer: an unknown id is looked for in fewer files.
const mergeWidth = 8

// merge joins runs of segments of about one size while there are any.
func (ix *index) merge() error {
	for {
		from, ok := ix.mergeable()
		if !ok {
			return nil
		}
		old := slices.Clone(ix.segments[from : from+mergeWidth])
		var count int64
		for _, s := range old {
			count += s.count
		}
		joined, err := ix.create(count, merged(old))
		if err != nil {
			return err
		}
		ix.mu.Lock()
		ix.segments = slices.Replace(ix.segments, from, from+mergeWidth, joined)
		ix.mu.Unlock()
		if err := ix.commit(old); err != nil {
			return err
		}
	}
}

// mergeable finds mergeWidth neighbours of the smallest level that has so many.
// Only the sealing goroutine changes segments, so it may read them unlocked.
func (ix *index) mergeable() (from int, ok bool) {
	for limit := int64(ix.size); limit*mergeWidth*entryBytes <= ix.max/headroomPart; limit *= mergeWidth {
		run := 0
		for i := len(ix.segments) - 1; i >= 0; i-- {
			if ix.segments[i].count > limit {
				run = 0
				continue
			}
			if run++; run == mergeWidth {
				return i, true
			}
		}
	}
	return 0, false
}

// merged gives the entries of all segments in order.
func merged(from []*segment) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		heads := make([]head, 0, len(from))
		for _, s := range from {
			next, stop := iter.Pull2(s.all())
			defer stop()
			if h := (head{next: next}); h.advance() {
				heads = append(heads, h)
			}
		}
		for len(heads) > 0 {
			least := 0
			for i := range heads {
				if compareEntries(heads[i].entry, heads[least].entry) < 0 {
					least = i
				}
			}
			if h := heads[least]; !yield(h.entry, h.err) || h.err != nil {
				return
			}
			if !heads[least].advance() {
				heads = slices.Delete(heads, least, least+1)
			}
		}
	}
}

// head is the next entry of one segment in a merge.
type head struct {
	next func() (entry, error, bool)
	entry
	err error
}

func (h *head) advance() bool {
	var ok bool
	h.entry, h.err, ok = h.next()
	return ok
}
