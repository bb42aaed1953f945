package stream

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"betimes/internal/event"
)

func TestANoteSaysWhatIsFinishedAboveTheCommitAndNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := rapid.Int64Range(0, 1<<40).Draw(t, "start")
		tr := tracker{next: start}
		offset, finished := start, map[int64]bool{}
		n := rapid.IntRange(1, 400).Draw(t, "offsets")
		offsets := make([]int64, n)
		for i := range n {
			offset += rapid.Int64Range(0, 3).Draw(t, "gap")
			offsets[i] = offset
			tr.add(offset, time.Time{})
			offset++
		}
		for seq := range n {
			if rapid.Bool().Draw(t, "done") {
				tr.finish(int64(seq))
				finished[offsets[seq]] = true
			}
		}
		note, _ := tr.note()
		all := readNote(note, tr.next)
		for _, o := range offsets {
			if o >= tr.next && covers(all, o) != finished[o] {
				t.Fatalf("offset %d: noted %v, finished %v (%q)", o, covers(all, o), finished[o], note)
			}
		}
		if readNote(note, tr.next+1) != nil {
			t.Fatal("a note of another commit is believed")
		}
	})
}

func TestANoteStaysWithinWhatBrokersTake(t *testing.T) {
	tr := tracker{}
	for i := range int64(100_000) {
		tr.add(i*300, time.Time{})
	}
	for i := int64(1); i < 100_000; i += 2 { // every second one: no two share a stretch
		tr.finish(i)
	}
	note, _ := tr.note()
	all := readNote(note, tr.next)
	if len(note) > maxNoteBytes || len(all) < 500 || !covers(all, 300) || covers(all, 600) {
		t.Errorf("%d bytes, %d stretches", len(note), len(all))
	}
}

func TestAnOffsetThatFitsLeavesRoomForTheWholeNote(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := tracker{next: rapid.Int64Range(0, 1<<40).Draw(t, "start")}
		offset := tr.next
		n := rapid.Int64Range(1, 4000).Draw(t, "offsets")
		step := rapid.Int64Range(1, 40_000).Draw(t, "step")
		for range n {
			tr.add(offset, time.Time{})
			offset += step
		}
		tr.before = []stretch{{offset + 5, offset + 9}}
		refused := 0
		for range 500 {
			seq := rapid.Int64Range(tr.first+1, n).Draw(t, "done")
			if seq >= n || tr.entries[seq-tr.first].done {
				continue
			}
			if !tr.fits(seq) {
				refused++
				continue
			}
			tr.finish(seq)
			if note, whole := tr.note(); !whole || len(note) > maxNoteBytes || !covers(readNote(note, tr.next), offset+5) {
				t.Fatalf("a note of %d bytes after %d refusals", len(note), refused)
			}
		}
	})
}

func TestWhatWasFinishedBeforeIsNotedUntilItIsFetched(t *testing.T) {
	tr := tracker{next: 10, before: []stretch{{12, 14}, {20, 30}}}
	for _, step := range []struct {
		fetch  int64
		skip   bool
		finish int64 // sequence number; -1: none
		want   []stretch
	}{
		{10, false, -1, []stretch{{12, 14}, {20, 30}}},
		{11, false, -1, []stretch{{12, 14}, {20, 30}}},
		{12, true, -1, []stretch{{12, 14}, {20, 30}}},
		{13, true, 1, []stretch{{11, 14}, {20, 30}}},
		{14, false, 0, []stretch{{20, 30}}},
		{25, true, -1, []stretch{{25, 30}}}, // 15 to 24 were removed from the log
	} {
		seq := tr.add(step.fetch, time.Time{})
		if step.skip {
			tr.finish(seq)
		}
		if step.finish >= 0 {
			tr.finish(step.finish)
		}
		note, whole := tr.note()
		if got := readNote(note, tr.next); !slices.Equal(got, step.want) || !whole {
			t.Errorf("after %d was fetched the note says %v, want %v", step.fetch, got, step.want)
		}
	}
}

func FuzzReadNote(f *testing.F) {
	f.Add("1.BQEC", int64(5))
	f.Add("1.", int64(0))
	f.Add("someone else's", int64(0))
	f.Fuzz(func(t *testing.T, note string, next int64) {
		last := next
		for _, s := range readNote(note, next) {
			if s.from < last || s.to <= s.from {
				t.Errorf("%q after %d reads as %v", note, next, s)
			}
			last = s.to
		}
	})
}

func TestWhatFinishedAboveAHoleIsNotDoneAgainAfterACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		stuck := make(chan struct{})
		_, _ = running(t, c, func(ctx context.Context, e *event.Event) event.Ending {
			if string(e.Value) == "1" {
				<-stuck // the process dies with it
			}
			return predict(ctx, e)
		})
		for i := range 6 {
			c.send(0, "k"+num(i), num(i))
		}
		time.Sleep(time.Second)
		if got := c.committed(0); got != 1 {
			t.Fatalf("committed %d, want 1", got)
		}
		c.mu.Lock()
		c.records = nil
		c.mu.Unlock()
		_, stop := running(t, c, predict)
		time.Sleep(time.Second)
		if got := c.written(); !slices.Equal(got, []string{"predictions 1"}) {
			t.Errorf("the successor wrote %v", got)
		}
		if got := c.committed(0); got != 6 {
			t.Errorf("committed %d, want 6", got)
		}
		ended(t, stop)
		close(stuck)
	})
}
