package letters

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// Filter says which letters. Set fields must all hold; the zero Filter is all open ones.
type Filter struct {
	IDs    []string // ids of events, or topic:partition:offset of letters
	Reason event.Reason
	Key    []byte
	Since  time.Time // of the letter's record
	All    bool      // also those that were replayed or dropped
	Limit  int       // most letters; 0: no limit
	Oldest bool      // oldest first, for replay; else newest first
	// Progress, when set, is told now and then how many records were read.
	Progress func(records int64)
}

// Found is what Find found.
type Found struct {
	Letters []Letter
	Matched int                  // before the limit
	Open    int                  // letters that nothing was done about, whatever the filter
	Handled int                  // the others
	Reasons map[event.Reason]int // of the open ones
}

// Find looks through the topic. It holds about 300 bytes of each letter that
// matches, without limit: the newest copy of a letter may come last.
func (b *Box) Find(ctx context.Context, f Filter) (Found, error) {
	found := Found{Reasons: map[event.Reason]int{}}
	notes, err := b.notes(ctx)
	if err != nil {
		return found, err
	}
	from := kafka.TailStart()
	if !f.Since.IsZero() {
		from = kafka.TailAt(f.Since)
	}
	all := pile{index: map[origin]int{}}
	read := int64(0)
	err = b.each(ctx, b.deps.Topics.Letters, from, func(e *event.Event) error {
		if read++; f.Progress != nil && read%1000 == 0 {
			f.Progress(read)
		}
		if l := parse(e); !e.Recorded.Before(f.Since) {
			if h := notes[l.At]; h.concerns(&l) {
				l.Handled = h
			}
			all.add(l)
		}
		return nil
	})
	if err != nil {
		return found, fmt.Errorf("read topic %s: %w", b.deps.Topics.Letters, err)
	}
	found.choose(all.letters, f)
	return found, nil
}

// choose counts all letters and takes those that match.
func (found *Found) choose(all []Letter, f Filter) {
	for i := range all {
		l := &all[i]
		if l.Handled == nil {
			found.Open++
			found.Reasons[l.Reason]++
		} else {
			found.Handled++
		}
		if f.matches(l) {
			found.Letters = append(found.Letters, *l)
		}
	}
	slices.SortStableFunc(found.Letters, f.order)
	found.Matched = len(found.Letters)
	if f.Limit > 0 && found.Matched > f.Limit {
		found.Letters = slices.Clip(found.Letters[:f.Limit])
	}
}

func (f *Filter) matches(l *Letter) bool {
	return (f.All || l.Handled == nil) && (f.Reason == "" || l.Reason == f.Reason) &&
		(f.Key == nil || bytes.Equal(l.Key, f.Key)) && (len(f.IDs) == 0 || slices.ContainsFunc(f.IDs, l.named))
}

// named says whether id is the event's, or the place of one of its records.
func (l *Letter) named(id string) bool {
	return id == l.ID || slices.ContainsFunc(l.records(), func(at event.Source) bool { return id == at.String() })
}

func (f *Filter) order(a, b Letter) int {
	if !f.Oldest {
		a, b = b, a
	}
	return cmp.Or(a.Recorded.Compare(b.Recorded), cmp.Compare(a.At.Partition, b.At.Partition), cmp.Compare(a.At.Offset, b.At.Offset))
}

// origin is what copies of one ending share.
type origin struct {
	id     string
	source event.Source
}

// pile gathers letters; copies of one ending are put together.
type pile struct {
	letters []Letter
	index   map[origin]int
}

func (p *pile) add(l Letter) {
	if l.Source.Topic == "" { // nothing tells copies apart from others
		p.letters = append(p.letters, l)
		return
	}
	o := origin{l.ID, l.Source}
	i, ok := p.index[o]
	if !ok {
		p.index[o] = len(p.letters)
		p.letters = append(p.letters, l)
		return
	}
	first := &p.letters[i]
	first.Copies = append(first.Copies, l.At)
	if first.Handled == nil {
		first.Handled = l.Handled
	}
}

// Reasons counts letters by reason.
func Reasons(all []Letter) map[event.Reason]int {
	count := map[event.Reason]int{}
	for i := range all {
		count[all[i].Reason]++
	}
	return count
}
