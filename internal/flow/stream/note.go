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

// note tells what is finished above next; "" when there is nothing.
func (t *tracker) note() string {
	var raw []byte
	last := t.next
	var open *stretch
	flush := func() {
		if open != nil {
			raw = binary.AppendUvarint(raw, uint64(open.from-last))
			raw = binary.AppendUvarint(raw, uint64(open.to-open.from))
			last, open = open.to, nil
		}
	}
	for _, e := range t.entries[:min(len(t.entries), maxNoted)] {
		switch {
		case !e.done:
			flush()
		case open == nil:
			open = &stretch{e.offset, e.offset + 1}
		default:
			open.to = e.offset + 1
		}
		if base64.RawURLEncoding.EncodedLen(len(raw)+4*binary.MaxVarintLen64) > maxNoteBytes-len(noteVersion) {
			open = nil
			break
		}
	}
	flush()
	if len(raw) == 0 {
		return ""
	}
	raw = append(binary.AppendUvarint(nil, uint64(t.next)), raw...)
	return noteVersion + base64.RawURLEncoding.EncodeToString(raw)
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
