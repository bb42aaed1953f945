package trail

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
)

func find(t *testing.T, tr *Trail, id string) event.Whereabouts {
	t.Helper()
	w, err := tr.Find(t.Context(), id)
	if err != nil {
		t.Fatalf("%s: %v", id, err)
	}
	return w
}

func TestAnEventUnderWayIsFoundWhereItWasAccepted(t *testing.T) {
	c := newCluster()
	src := c.accept("a")
	tr, _ := follow(t, DefaultConfig(), Deps{Reader: c, Dir: t.TempDir()})
	w := find(t, tr, "a")
	if w.Place != event.Unfinished || w.Accepted != src || string(w.Key) != "key of a" || string(w.Payload) != `{"id":"a"}` {
		t.Errorf("%+v", w)
	}
	if spent, ok := w.Timeline.Spent(event.StageProduce); !ok || spent != 900*time.Microsecond {
		t.Errorf("produce took %v %v, want 900µs", spent, ok)
	}
}

func TestAPredictedEventIsFoundWithItsPredictionAndItsPayload(t *testing.T) {
	c := newCluster()
	src := c.accept("a")
	c.predict("a", src)
	tr, _ := follow(t, DefaultConfig(), Deps{Reader: c, Dir: t.TempDir()})
	w := find(t, tr, "a")
	if w.Place != event.Predicted || w.Accepted != src || w.Ended.Topic != "predictions" || string(w.Payload) != `{"id":"a"}` {
		t.Errorf("%+v", w)
	}
	if got := w.Timeline.Total(); got != 9*time.Millisecond {
		t.Errorf("stages sum to %v, want the 9ms of the envelope", got)
	}
	if n, _ := tr.index.usage(); n != 2 { // one is settle's
		t.Errorf("an event that ended takes %d entries, want 1", n-1)
	}
}

func TestADeadLetterSaysWhy(t *testing.T) {
	c := newCluster()
	c.bury("a", c.accept("a"))
	tr, _ := follow(t, DefaultConfig(), Deps{Reader: c})
	w := find(t, tr, "a")
	if w.Place != event.DeadLetter || w.Reason != event.ReasonModelInput || w.Stage != "model" || w.Attempts != 5 {
		t.Errorf("%+v", w)
	}
}

func TestAForeignRecordHasItsPlaceAsID(t *testing.T) {
	c := newCluster()
	src := c.write("events", &event.Event{Value: []byte("1")})
	c.predict("events:0:0", src)
	tr, _ := follow(t, DefaultConfig(), Deps{Reader: c})
	if w := find(t, tr, "events:0:0"); w.Place != event.Predicted || string(w.Payload) != "1" {
		t.Errorf("%+v", w)
	}
}

func TestAnEventWithAnIDIsFoundByItsPlaceToo(t *testing.T) {
	c := newCluster()
	src := c.accept("a")
	c.predict("a", src)
	tr, _ := follow(t, DefaultConfig(), Deps{Reader: c})
	if w := find(t, tr, src.String()); w.ID != "a" || w.Place != event.Predicted || w.Accepted != src {
		t.Errorf("%+v", w)
	}
}

func TestUnknownAndExpiredEventsAreUnknown(t *testing.T) {
	c := newCluster()
	c.accept("old")
	tr, _ := follow(t, DefaultConfig(), Deps{Reader: c})
	c.expire("events")
	for _, id := range []string{"never", "old"} {
		if _, err := tr.Find(t.Context(), id); !errors.Is(err, event.ErrUnknown) {
			t.Errorf("%s: %v, want ErrUnknown", id, err)
		}
	}
}

func TestAnIDThatAllRecordsHaveCostsAFewReads(t *testing.T) {
	c := newCluster()
	for range 1000 {
		c.accept("same")
	}
	newest := c.accept("same")
	tr, _ := follow(t, DefaultConfig(), Deps{Reader: c})
	if w := find(t, tr, "same"); w.Accepted != newest {
		t.Errorf("found %s, the newest is %s", w.Accepted, newest)
	}
	if c.lookups > 2*maxCandidates { // follow looks one up too
		t.Errorf("%d records were read", c.lookups)
	}
}

func TestTwoIDsOfOneHashAreToldApart(t *testing.T) {
	c := newCluster()
	a, b := c.accept("a"), c.accept("b")
	tr, _ := follow(t, DefaultConfig(), Deps{Reader: c})
	// What the index would hold if b had the hash of a.
	tr.index.accept("a", b, began)
	if w := find(t, tr, "a"); w.Accepted != a {
		t.Errorf("found %v, want %v", w.Accepted, a)
	}
}

func TestExpectTellsTheEndingOnce(t *testing.T) {
	c := newCluster()
	tr, _ := follow(t, DefaultConfig(), Deps{Reader: c})
	wait, cancel := tr.Expect("a")
	defer cancel()
	_, cancelOther := tr.Expect("a")
	cancelOther()
	c.predict("a", c.accept("a"))
	w, err := wait(t.Context())
	if err != nil || w.Place != event.Predicted || w.Accepted.Topic != "events" {
		t.Errorf("%+v %v", w, err)
	}
	if n := tr.waits.waiting(); n != 0 {
		t.Errorf("%d still wait", n)
	}
}

func TestExpectEndsWithItsContext(t *testing.T) {
	tr, _ := follow(t, DefaultConfig(), Deps{Reader: newCluster()})
	wait, cancel := tr.Expect("a")
	ctx, end := context.WithCancel(t.Context())
	end()
	if _, err := wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want canceled", err)
	}
	cancel()
	if n := tr.waits.waiting(); n != 0 {
		t.Errorf("%d still wait", n)
	}
}

func TestALazyTrailBeginsWhenItIsFirstAsked(t *testing.T) {
	c := newCluster()
	c.accept("a")
	tr, _ := follow(t, DefaultConfig(), Deps{Reader: c, Lazy: true})
	wait, cancel := tr.Expect("b")
	defer cancel()
	c.write("predictions", &event.Event{Recorded: time.Now(), Headers: endingOf("b", event.Source{Topic: "events", Offset: 1})})
	if _, err := wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := tr.Find(t.Context(), "a"); !errors.Is(err, event.ErrUnknown) {
		t.Errorf("an event from long before: %v, want ErrUnknown", err)
	}
}

func TestALazyTrailKnowsWhatCameInTheMinuteBeforeAndThatThereIsNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		tr, stop := follow(t, DefaultConfig(), Deps{Reader: c, Lazy: true})
		defer stop()
		time.Sleep(time.Hour)
		at := c.write("events", &event.Event{Recorded: time.Now(), Headers: []event.Header{{Name: event.HeaderID, Value: []byte("a")}}})
		c.write("predictions", &event.Event{Recorded: time.Now(), Headers: endingOf("a", at)})
		time.Sleep(50 * time.Second)
		if _, err := tr.Find(t.Context(), "a"); err == nil {
			t.Error("a trail that has not begun knows something")
		}
		synctest.Wait()
		if w, err := tr.Find(t.Context(), "a"); err != nil || w.Place != event.Predicted {
			t.Errorf("%+v, %v", w, err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		tr, stop := follow(t, DefaultConfig(), Deps{Reader: newCluster(), Lazy: true})
		defer stop()
		_, _ = tr.Find(t.Context(), "a") // begins
		synctest.Wait()
		if _, err := tr.Find(t.Context(), "a"); err == nil || strings.Contains(err.Error(), "so far") {
			t.Errorf("with nothing to read the answer is %v", err)
		}
	})
}

// fill accepts and predicts n events.
func fill(c *cluster, n int) {
	for i := range n {
		id := fmt.Sprintf("e%d", i)
		src := c.accept(id)
		if i%2 == 0 {
			c.predict(id, src)
		}
	}
}

func TestARestartReadsOnlyWhatIsNew(t *testing.T) {
	c, dir := newCluster(), t.TempDir()
	fill(c, 5000)
	_, stop := follow(t, smallIndex, Deps{Reader: c, Dir: dir})
	stop()
	before := c.readSoFar()
	c.accept("new")
	tr, _ := follow(t, smallIndex, Deps{Reader: c, Dir: dir})
	if got := c.readSoFar() - before; got != 2 {
		t.Errorf("the restart read %d records, want the 2 new ones", got)
	}
	for i := range 5000 {
		want := []event.Place{event.Predicted, event.Unfinished}[i%2]
		if w := find(t, tr, fmt.Sprintf("e%d", i)); w.Place != want {
			t.Fatalf("e%d: %v, want %v", i, w.Place, want)
		}
	}
	find(t, tr, "new")
}

func TestADamagedIndexIsBuiltAgain(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, dir string){
		"a flipped byte": func(t *testing.T, dir string) {
			path := segments(t, dir)[0]
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			data[len(data)/2] ^= 1
			if err := os.WriteFile(path, data, 0o644); err != nil {
				t.Fatal(err)
			}
		},
		"a short file": func(t *testing.T, dir string) {
			if err := os.Truncate(segments(t, dir)[0], 100); err != nil {
				t.Fatal(err)
			}
		},
		"a lost file": func(t *testing.T, dir string) {
			if err := os.Remove(segments(t, dir)[0]); err != nil {
				t.Fatal(err)
			}
		},
		"a broken manifest": func(t *testing.T, dir string) {
			if err := os.WriteFile(manifestPath(dir), []byte("{"), 0o644); err != nil {
				t.Fatal(err)
			}
		},
		"a lost folder": func(t *testing.T, dir string) {
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, dir := newCluster(), filepath.Join(t.TempDir(), "trail")
			fill(c, 3000)
			_, stop := follow(t, smallIndex, Deps{Reader: c, Dir: dir})
			stop()
			damage(t, dir)
			tr, _ := follow(t, smallIndex, Deps{Reader: c, Dir: dir})
			for _, id := range []string{"e0", "e1", "e1499", "e2999"} {
				find(t, tr, id)
			}
		})
	}
}

func segments(t *testing.T, dir string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "*"+segmentExt))
	if err != nil || len(all) == 0 {
		t.Fatalf("segments %v %v", all, err)
	}
	return all
}

func TestOtherTopicsUnderTheSameNamesAreReadFromTheirBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // it tries again after a second
		c, dir := newCluster(), t.TempDir()
		fill(c, 2000)
		_, stop := follow(t, smallIndex, Deps{Reader: c, Dir: dir})
		stop()
		other := newCluster()
		other.lost = true
		other.accept("x")
		tr, _ := follow(t, smallIndex, Deps{Reader: other, Dir: dir})
		find(t, tr, "x")
		if _, err := tr.Find(t.Context(), "e1"); !errors.Is(err, event.ErrUnknown) {
			t.Errorf("%v, want ErrUnknown", err)
		}
	})
}

func TestTheIndexStaysWithinItsBoundAndKeepsTheNewest(t *testing.T) {
	c, dir := newCluster(), t.TempDir()
	const n = 100_000
	for i := range n {
		c.accept(fmt.Sprintf("e%d", i))
	}
	tr, _ := follow(t, smallIndex, Deps{Reader: c, Dir: dir})
	if _, bytes := tr.index.usage(); bytes > int64(smallIndex.MaxBytes) {
		t.Errorf("%d bytes on disk, want at most %d", bytes, smallIndex.MaxBytes)
	}
	for i := n - 30_000; i < n; i += 97 {
		find(t, tr, fmt.Sprintf("e%d", i))
	}
	if _, err := tr.Find(t.Context(), "e0"); !errors.Is(err, event.ErrUnknown) {
		t.Errorf("the oldest: %v, want ErrUnknown", err)
	}
}

func TestADiskThatTakesNothingCostsMemoryOnly(t *testing.T) {
	c, dir := newCluster(), filepath.Join(t.TempDir(), "trail")
	tr, _ := follow(t, smallIndex, Deps{Reader: c, Dir: dir})
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	fill(c, 6000)
	settle(t, tr, c)
	find(t, tr, "e5998") // its prediction is the newest record, in whatever order the topics are read
}
