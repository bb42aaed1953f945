package trail

import (
	"log/slog"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"betimes/internal/event"

	"pgregory.net/rapid"
)

func TestASegmentFindsEveryEntryAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		// Few hashes, many equal, at the ends of the range too: what a guess by proportion gets wrong.
		hash := rapid.OneOf(rapid.Uint64(), rapid.SampledFrom([]uint64{0, 1, math.MaxUint64, 1 << 63}))
		hashes := rapid.SliceOfN(hash, 0, 300).Draw(t, "hashes")
		entries := make([]entry, len(hashes))
		for i, h := range hashes {
			entries[i] = entry{h, uint64(i), int64(i)}
		}
		slices.SortFunc(entries, compareEntries)
		path := filepath.Join(dir, "one"+segmentExt)
		if err := writeSegment(path, int64(len(entries)), infallible(entries)); err != nil {
			t.Fatal(err)
		}
		s, err := openSegment(path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.file.Close() }()
		for _, h := range append(hashes, hash.Draw(t, "other")) {
			got, err := s.find(h, nil)
			var want []entry
			for _, e := range entries {
				if e.hash == h {
					want = append(want, e)
				}
			}
			if err != nil || !slices.Equal(got, want) {
				t.Fatalf("%x: %v %v, want %v", h, got, err, want)
			}
		}
	})
}

func TestMergedSegmentsHoldWhatTheyHeld(t *testing.T) {
	ix := newIndex(t.TempDir(), 64<<20, slog.New(slog.DiscardHandler))
	ix.size = 100
	ix.empty()
	if err := ix.load(); err != nil {
		t.Fatal(err)
	}
	k := newKeeper(ix)
	for i := range 100 * mergeWidth * mergeWidth {
		ix.accept(event.Source{Offset: int64(i)}.String(), event.Source{Topic: "events", Offset: int64(i)}, began)
		k.turn()
	}
	k.wait()
	if n := len(ix.segments); n >= 2*mergeWidth {
		t.Errorf("%d segments are left, want fewer than %d", n, 2*mergeWidth)
	}
	for i := range 100 * mergeWidth * mergeWidth {
		got, err := ix.find(event.Source{Offset: int64(i)}.String())
		if err != nil || len(got) != 1 || got[0].Offset != int64(i) {
			t.Fatalf("%d: %v %v", i, got, err)
		}
	}
	k.close()
}

func FuzzParseSource(f *testing.F) {
	f.Add("events:3:17")
	f.Add("a:b:1:2")
	f.Fuzz(func(t *testing.T, s string) {
		src, ok := event.ParseSource(s)
		if again, ok2 := event.ParseSource(src.String()); ok && (!ok2 || again != src) {
			t.Errorf("%q gives %v and that gives %v", s, src, again)
		}
	})
}

func FuzzAPredictionRecordIsReadWithoutPanic(f *testing.F) {
	f.Add([]byte(`{"received":"2023-11-14T22:13:20Z","stages_us":{"model":12}}`), []byte("t0=1;model=2"))
	f.Fuzz(func(t *testing.T, value, timeline []byte) {
		e := &event.Event{Value: value, Headers: []event.Header{{Name: event.HeaderTimeline, Value: timeline}}}
		if w := ended(e, event.Predicted); w.Timeline.Total() < 0 {
			t.Errorf("negative time %v", w.Timeline.Total())
		}
	})
}
