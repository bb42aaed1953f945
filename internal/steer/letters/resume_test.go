package letters

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// worker parks as the stream does, without its care for order: it takes events
// of partition 1 when it is asked how far it is.
type worker struct {
	*cluster
	sick    bool  // values that begin with x fail
	at      int64 // finished
	arrives map[int64]string
	away    bool
}

var parked = Topics{Letters: "parked", Events: "events", State: "pay-state"}

func (w *worker) box() *Box {
	return New(Deps{Reader: w.cluster, Sink: w.cluster, Topics: parked, Committed: w.committed})
}

func (w *worker) committed(context.Context) (map[kafka.Partition]int64, error) {
	home := kafka.Partition{Topic: "events", Number: 1}
	for !w.away {
		if more := w.arrives[w.at]; more != "" { // parked, for its key waits still
			delete(w.arrives, w.at)
			w.park(&event.Event{Key: []byte("a"), Value: []byte(more), Source: event.Source{Topic: "events", Partition: 1, Offset: w.at}}, event.ReasonKeyParked)
		}
		w.mu.Lock()
		all := w.log[home]
		w.mu.Unlock()
		if w.at == int64(len(all)) {
			break
		}
		switch e := all[w.at]; {
		case w.sick && strings.HasPrefix(string(e.Value), "x"):
			w.park(e, event.ReasonModelInput)
		default:
			_, _ = w.append(&kafka.Record{Topic: "predictions", Partition: 1, Value: e.Value})
		}
		w.at++
	}
	return map[kafka.Partition]int64{home: w.at}, nil
}

func (w *worker) park(e *event.Event, reason event.Reason) {
	headers := slices.Clone(e.Headers)
	headers = slices.DeleteFunc(headers, func(h event.Header) bool { return h.Name == event.HeaderID })
	headers = append(headers, header(event.HeaderID, "id-"+string(e.Value)), header(event.HeaderSource, e.Source.String()), header(event.HeaderReason, string(reason)))
	_, _ = w.append(&kafka.Record{Topic: "parked", Partition: 1, Key: e.Key, Value: e.Value, Headers: headers})
}

func (w *worker) values(topic string) []string {
	var all []string
	for _, e := range w.topic(topic) {
		all = append(all, string(e.Value))
	}
	return all
}

func newWorker(values ...string) *worker {
	w := &worker{cluster: newCluster(), arrives: map[int64]string{}}
	for _, v := range values {
		_, _ = w.append(&kafka.Record{Topic: "events", Partition: 1, Key: []byte("a"), Value: []byte(v)})
		w.park(w.topic("events")[w.at], event.ReasonKeyParked)
		w.at++
	}
	return w
}

// resume resumes everything that is open.
func (w *worker) resume(t *testing.T) Report {
	t.Helper()
	found, err := w.box().Find(t.Context(), Filter{Oldest: true})
	if err != nil {
		t.Fatal(err)
	}
	report, err := w.box().Resume(t.Context(), Order{Letters: found.Letters, Rate: 10_000}, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestKeysAreResumedUntilNothingOfThemWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorker("x1", "2", "3")
		w.arrives[4], w.arrives[6] = "4", "5"
		r := w.resume(t)
		if r.Done != 5 || r.Asked != 5 || r.Again != 0 || r.Unread {
			t.Errorf("report %+v", r)
		}
		if got := w.values("predictions"); !slices.Equal(got, []string{"x1", "2", "3", "4", "5"}) {
			t.Errorf("predicted %v", got)
		}
		origins := []string{}
		for _, e := range w.topic("events")[3:6] {
			origins = append(origins, string(e.Header(event.HeaderOrigin)))
		}
		if !slices.Equal(origins, []string{"events:1:0", "events:1:1", "events:1:2"}) {
			t.Errorf("origins %v", origins)
		}
	})
}

func TestAKeyOfWhichAnEventFailsAgainStaysParked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorker("x1", "2")
		w.sick = true
		r := w.resume(t)
		if r.Done != 2 || r.Again != 1 || len(w.values("events")) != 4 {
			t.Errorf("report %+v, events %v", r, w.values("events"))
		}
		w.sick = false
		if r = w.resume(t); r.Done != 1 || r.Again != 0 {
			t.Errorf("then %+v", r)
		}
		if l := w.topic("parked")[2]; string(l.Header(event.HeaderOrigin)) != "events:1:0" || parse(l).Origin.Offset != 0 {
			t.Errorf("the origin is lost: %v", l.Headers)
		}
	})
}

func TestAStreamThatIsAwayIsNotWaitedForForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorker("x1")
		w.away = true
		began := time.Now()
		if r := w.resume(t); r.Done != 1 || !r.Unread {
			t.Errorf("report %+v", r)
		}
		if waited := time.Since(began); waited < 10*time.Second || waited > 11*time.Second {
			t.Errorf("waited %s", waited)
		}
	})
}

func TestWhatWaitsIsReadWithWhatWasDoneAboutIt(t *testing.T) {
	w := newWorker("x1", "2", "3")
	_, _ = w.append(&kafka.Record{Topic: "parked", Partition: 2, Key: []byte("b"), Value: []byte("elsewhere")})
	found, _ := w.box().Find(t.Context(), Filter{Oldest: true})
	if _, err := w.box().Drop(t.Context(), found.Letters[:1]); err != nil {
		t.Fatal(err)
	}
	if _, err := w.box().Replay(t.Context(), Order{Letters: found.Letters[1:2], Rate: 1000}); err != nil {
		t.Fatal(err)
	}
	all, err := w.box().Waiting(t.Context(), []int32{1})
	if err != nil || len(all) != 2 {
		t.Fatalf("waiting %v, %v", all, err)
	}
	if l := all[0]; l.Handled == nil || l.Handled.Into != "events:1:3" || l.Origin.Offset != 1 || string(l.Key) != "a" {
		t.Errorf("first %+v", l)
	}
	if l := all[1]; l.Handled != nil || l.At.Offset != 2 {
		t.Errorf("second %+v", l)
	}
}

func TestDroppedLettersAreToldToWhoFollows(t *testing.T) {
	w := newWorker("x1", "2")
	found, _ := w.box().Find(t.Context(), Filter{Oldest: true})
	if _, err := w.box().Drop(t.Context(), found.Letters[1:]); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	told := make(chan string, 1)
	go func() {
		_ = w.box().Follow(ctx, time.Now().Add(-time.Minute), func(at event.Source) { told <- fmt.Sprint(at) })
	}()
	if at := <-told; at != "parked:1:1" {
		t.Errorf("told %s", at)
	}
}
