package loadgen

import (
	"sync"
	"time"

	"github.com/valyala/fastjson"

	"betimes/internal/event"
)

// last is the newest source of a key that was seen in predictions.
type last struct {
	partition int32
	offset    int64
}

// Tracker follows every event that is sent to where it ends. Its methods may be
// called by many goroutines, but Ended only by one.
type Tracker struct {
	prefix string // of the ids of this run
	start  time.Time
	warmup time.Duration
	topics Topics
	parser fastjson.Parser // Ended's

	mu       sync.Mutex
	slots    slots
	measures *measures
	quality  quality
	problems map[string]int64
	dirt     map[string]int64
	byKey    map[string]last

	sent, late, reordered, foreign int64
	predicted                      int64
	pending, open                  int   // sends without a result; terminal records still to come
	changes                        int64 // grows with every result and ending
}

// NewTracker makes the Tracker of a run whose ids are <run>-<number>.
func NewTracker(run string, start time.Time, warmup time.Duration, topics Topics) *Tracker {
	return &Tracker{
		prefix: run + "-", start: start, warmup: warmup, topics: topics, measures: newMeasures(),
		problems: map[string]int64{}, dirt: map[string]int64{}, byKey: map[string]last{},
	}
}

// sending notes that an event is sent now, before it is.
func (t *Tracker) sending(it *item, intended time.Time) {
	lag := time.Since(intended)
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.slots.at(it.number)
	if s.sends == 0 {
		s.intended, s.offset, s.label = int64(intended.Sub(t.start)), -1, it.label
		s.measured = time.Duration(s.intended) >= t.warmup
	}
	s.sends++
	t.sent++
	t.pending++
	if it.dirt != "" {
		t.dirt[it.dirt]++
	}
	if s.measured {
		t.measures.lag.add(lag.Microseconds())
	}
}

// settled notes the result of a send.
func (t *Tracker) settled(number int, r Result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pending--
	t.changes++
	if r.Problem != "" {
		t.problems[r.Problem]++
	}
	s := t.slots.at(number)
	if r.Outcome != Accepted {
		if s.outcome != Accepted { // what was accepted once stays so
			s.outcome = r.Outcome
		}
		return
	}
	again := s.outcome == Accepted && (r.Source.Offset < 0 || (s.offset == r.Source.Offset && s.partition == r.Source.Partition))
	s.outcome = Accepted
	if again {
		return
	}
	t.open -= s.open()
	s.copies++
	t.open += s.open()
	s.offset, s.partition = r.Source.Offset, r.Source.Partition
}

// Ended notes a record of a terminal topic. Records of others are counted as foreign.
func (t *Tracker) Ended(e *event.Event) {
	place, ok := t.topics.place(e.Source.Topic)
	if !ok {
		return
	}
	readBack := e.Fetched
	if readBack.IsZero() {
		readBack = time.Now()
	}
	number, ours := t.number(e)
	if !ours {
		t.mu.Lock()
		t.foreign++
		t.mu.Unlock()
		return
	}
	var a answer
	if place == event.Predicted {
		a = readAnswer(&t.parser, e.Value)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.slots.at(number)
	if s.sends == 0 { // an id that looks like ours and was never sent
		t.foreign++
		return
	}
	t.changes++
	t.open -= s.open()
	first := !s.found(place)
	if place != event.Parked { // a waiting room, not an end
		s.ended = min(s.ended+1, 254)
	}
	s.places |= 1 << place
	t.open += s.open()
	if place == event.Predicted {
		t.prediction(s, &a, e, readBack, first)
	}
}

// prediction measures what was predicted; of copies, only the first.
func (t *Tracker) prediction(s *slot, a *answer, e *event.Event, readBack time.Time, first bool) {
	if !first {
		return
	}
	t.predicted++
	if !a.async {
		t.order(e)
	}
	if a.late {
		t.late++
	}
	if a.scored && s.label >= 0 {
		t.quality.add(a.score, s.label)
	}
	if !s.measured {
		return
	}
	intended := t.start.Add(time.Duration(s.intended))
	own := readBack.Sub(intended)
	t.measures.latency.add(own.Microseconds())
	if a.envelope && !a.received.IsZero() {
		t.measures.stages(a, intended, readBack, own)
	}
}

// order compares an event's place in the log with that of the one before it of the same key.
func (t *Tracker) order(e *event.Event) {
	if len(e.Key) == 0 {
		return
	}
	_, partition, offset, ok := parseSource(e.Header(event.HeaderSource))
	if !ok {
		return
	}
	before, known := t.byKey[string(e.Key)]
	if known && before.partition == partition && offset < before.offset {
		t.reordered++
		return
	}
	t.byKey[string(e.Key)] = last{partition, offset}
}

// waiting says what is still to come, and how much has changed so far.
func (t *Tracker) waiting() (outstanding int, changes int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.pending + t.open, t.changes
}
