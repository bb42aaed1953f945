package stream

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"
)

// A commit says that all below an offset is finished. What has finished above
// it, behind one that takes long, is noted beside it, so that the next owner of
// the partition does not do it again:
//
//	1.<base64 of varints: committed offset, then for each stretch of finished
//	offsets how far it begins behind the end of the one before, and its length>
//
// The note is bounded; what it has no room for is done again. Another consumer
// of the group ignores it.
const (
	noteVersion  = "1."
	maxNoteBytes = 4000   // brokers take 4096
	maxNoted     = 50_000 // entries looked at for one note
)

// stretch is offsets from … to-1, all finished.
type stretch struct{ from, to int64 }

// note tells what is finished above next, "" when there is nothing, and whether
// there was room for all of it.
func (t *tracker) note() (text string, whole bool) {
	w := noteWriter{last: t.next, whole: true}
	for _, e := range t.entries[:min(len(t.entries), maxNoted)] {
		if !e.done {
			w.close()
		} else if !w.add(e.offset, e.offset+1) {
			break
		}
	}
	w.whole = w.whole && len(t.entries) <= maxNoted
	for _, s := range t.before { // of what is not fetched yet
		from := max(s.from, t.end())
		if !w.whole || from >= s.to {
			continue
		}
		if from > w.open.to {
			w.close()
		}
		w.add(from, s.to)
	}
	w.close()
	if len(w.raw) == 0 {
		return "", w.whole
	}
	raw := append(binary.AppendUvarint(nil, uint64(t.next)), w.raw...)
	return noteVersion + base64.RawURLEncoding.EncodeToString(raw), w.whole
}

// noteWriter joins what is finished without a gap that is not.
type noteWriter struct {
	raw   []byte
	last  int64 // end of the stretch before
	open  stretch
	whole bool // nothing was left out
}

// add notes offsets from … to-1; it says no when there is no room.
func (w *noteWriter) add(from, to int64) bool {
	if w.open.to > 0 {
		w.open.to = to
		return true
	}
	if base64.RawURLEncoding.EncodedLen(len(w.raw)+4*binary.MaxVarintLen64) > maxNoteBytes-len(noteVersion) {
		w.whole = false
		return false
	}
	w.open = stretch{from, to}
	return true
}

// close ends a stretch: what comes is not finished.
func (w *noteWriter) close() {
	if w.open.to > 0 {
		w.raw = binary.AppendUvarint(w.raw, uint64(w.open.from-w.last))
		w.raw = binary.AppendUvarint(w.raw, uint64(w.open.to-w.open.from))
		w.last, w.open = w.open.to, stretch{}
	}
}

// fits says whether a note has room for all that is finished if one more is.
func (t *tracker) fits(seq int64) bool {
	i := seq - t.first
	if i == 0 {
		return true // then less is finished above
	}
	end := t.end()
	if n := len(t.before); n > 0 {
		end = max(end, t.before[n-1].to)
	}
	width := len(binary.AppendUvarint(nil, uint64(end-t.next)))
	most := (t.stretches + 1 + len(t.before)) * 2 * width
	if len(t.entries) <= maxNoted && base64.RawURLEncoding.EncodedLen(most+4*binary.MaxVarintLen64) <= maxNoteBytes-len(noteVersion) {
		return true
	}
	t.entries[i].done = true
	_, whole := t.note()
	t.entries[i].done = false
	return whole
}

// readNote reads what is finished above next. A note that is none of ours, or of
// another commit, says nothing.
func readNote(note string, next int64) []stretch {
	text, ours := strings.CutPrefix(note, noteVersion)
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if !ours || err != nil || len(note) > 2*maxNoteBytes {
		return nil
	}
	var numbers []int64
	for len(raw) > 0 {
		n, size := binary.Uvarint(raw)
		if size <= 0 || n > 1<<62 {
			return nil
		}
		numbers, raw = append(numbers, int64(n)), raw[size:]
	}
	if len(numbers)%2 == 0 || numbers[0] != next {
		return nil
	}
	var all []stretch
	last := next
	for pair := range slices.Chunk(numbers[1:], 2) {
		from := last + pair[0]
		to := from + pair[1]
		if from < last || to <= from {
			return nil
		}
		all, last = append(all, stretch{from, to}), to
	}
	return all
}

// covers says whether offset is in one of all, which rise.
func covers(all []stretch, offset int64) bool {
	_, found := slices.BinarySearchFunc(all, offset, func(s stretch, offset int64) int {
		switch {
		case s.to <= offset:
			return -1
		case s.from > offset:
			return 1
		}
		return 0
	})
	return found
}
