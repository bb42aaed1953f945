package verify

import (
	"fmt"
	"testing"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// allowed is what looks like a bug and is none.
type allowed struct {
	what  string
	exact bool
	cfg   Config
	put   func(s *scene)
	want  func(c *Counts) bool // nil: anything
}

func allowances() []allowed {
	return []allowed{
		{what: "a letter too large to keep its bytes says so", put: func(s *scene) {
			e := s.found(topics.DeadLetters, letter)
			e.Value = nil
			e.Headers = append(e.Headers, event.Header{Name: event.HeaderError, Value: []byte("too large for topic dead-letters")})
		}, want: func(c *Counts) bool { return c.Bare == 1 }},
		{what: "predictions without an envelope", put: func(s *scene) {
			s.found(topics.Predictions, some).Value = []byte(`0.5`)
			s.found(topics.Predictions, some+1).Value = []byte(`{"score":1}`)
			s.found(topics.Predictions, some+2).Value = []byte{0xff}
		}},
		{what: "a prediction by the slow road after a newer one of its key", put: func(s *scene) {
			s.swap(topics.Predictions, some, some+sceneKeys)
			s.found(topics.Predictions, some).Value = fmt.Appendf(nil, `{"id":%q,"status":"async","cache":"off"}`, idOf(some))
		}},
		{what: "a prediction from a cache, without a call", put: func(s *scene) {
			s.calls = append(s.calls[:some:some], s.calls[some+2:]...)
			s.found(topics.Predictions, some).Value = fmt.Appendf(nil, `{"id":%q,"status":"ok","cache":"hit"}`, idOf(some))
			s.found(topics.Predictions, some+1).Value = fmt.Appendf(nil, `{"id":%q,"status":"fallback","cache":"miss"}`, idOf(some+1))
		}},
		{what: "events without key or id in any order", put: func(s *scene) {
			a, b := s.foreign(`1`), s.foreign(`2`)
			s.predict(b)
			s.predict(a)
		}, want: func(c *Counts) bool { return c.Ended == sceneEvents+2 && c.Repeated == 0 }},
		{what: "an id that comes again in foreign events", put: func(s *scene) {
			for range 2 {
				e := s.foreign(`1`)
				e.Headers = append(e.Headers, event.Header{Name: event.HeaderID, Value: []byte("mine")})
				s.predictAs(e, "mine")
			}
		}, want: func(c *Counts) bool { return c.Repeated == 1 }},
		{what: "an order that is not promised", cfg: Config{Order: Unordered}, put: func(s *scene) { s.swap(topics.Predictions, some, some+sceneKeys) }},
		{what: "a copy after a crash", put: func(s *scene) { s.end(topics.Predictions, some) }, want: func(c *Counts) bool { return c.Duplicated == 1 && c.Unexcused == 0 }},
		{what: "two copies after two crashes", cfg: Config{Faults: []Window{{at(some + 6), at(some + 7)}, {at(some + 30), at(some + 31)}}, InFlight: 20 * time.Millisecond}, put: func(s *scene) {
			s.end(topics.Predictions, some)
			s.ended(some).Recorded = at(some + 5) // the first, before the first fault
			s.last(topics.Predictions, some).Recorded = at(some + 29)
			s.end(topics.Predictions, some)
			s.last(topics.Predictions, some).Recorded = at(some + 40)
		}, want: func(c *Counts) bool { return c.Duplicated == 1 }},
		{what: "a copy in another place after a crash", cfg: Config{Faults: []Window{{at(some + 5), at(some + 6)}}}, put: func(s *scene) {
			s.end(topics.Shed, some)
		}, want: func(c *Counts) bool { return c.TwoPlaces == 1 }},
		{what: "a dead letter that is sent home", put: func(s *scene) {
			e := *s.stored(letter)
			e.Headers = append(e.Headers[:len(e.Headers):len(e.Headers)], event.Header{Name: event.HeaderReplays, Value: []byte("at=1")})
			src := s.write(topics.Events, partOf(letter), kafka.Entry{Event: &e, Producer: -1})
			home := s.ending(topics.Predictions, letter)
			set(home.Event, event.HeaderSource, src.String())
			s.write(topics.Predictions, partOf(letter), home)
		}, want: func(c *Counts) bool { return c.Replays == 1 && c.Duplicated == 0 && c.Repeated == 0 }},
		{what: "an event that is parked", put: func(s *scene) {
			s.drop(topics.DeadLetters, letter)
			s.end(topics.Parked, letter)
		}, want: func(c *Counts) bool { return c.Parked == 1 && c.Waiting == 0 && c.Ended == sceneEvents-1 }},
		{what: "an event that was parked and has ended", put: func(s *scene) { s.end(topics.Parked, letter) }},
		{what: "an event that failed or is unknown, and is not there", put: func(s *scene) {
			for seq, o := range []Outcome{Failed, Unknown} {
				s.sends = append(s.sends, Line{Seq: uint64(90 + seq), At: began, ID: fmt.Append(nil, "id-no-", seq)},
					Line{Answer: true, Seq: uint64(90 + seq), At: began, Outcome: o})
			}
			s.sends = append(s.sends, Line{Seq: 95, At: began, ID: []byte("id-never-answered")})
		}, want: func(c *Counts) bool { return c.Failed == 1 && c.Unknown == 2 && c.OK == sceneEvents }},
		{what: "a sender that does not know the keys", put: func(s *scene) {
			for i := range s.sends {
				s.sends[i].Key = 0
			}
		}},
		{what: "an unknown event that is there", put: func(s *scene) { s.answer(some, Unknown, event.Source{}) }},
		{what: "an event sent twice, answered once with its place", put: func(s *scene) {
			again := s.sends[2*some]
			again.Seq = 99
			s.sends = append(s.sends, again, Line{Answer: true, Seq: 99, At: began, Outcome: Failed})
		}, want: func(c *Counts) bool { return c.Sent == sceneEvents+1 }},
		{what: "an aborted transaction that nobody read", exact: true, put: func(s *scene) {
			s.write(topics.Predictions, partOf(some), s.ending(topics.Predictions, some))
			s.mark(topics.Predictions, partOf(some), 7, kafka.Aborted)
		}, want: func(c *Counts) bool { return c.Aborted == 1 }},
		{what: "events that retention has removed", put: func(s *scene) {
			p := kafka.Partition{Topic: topics.Events, Number: 0}
			s.starts[p] = 3
		}, want: func(c *Counts) bool { return c.Gone == 6 && c.Events == sceneEvents-3 }},
		{what: "an event that others wrote and nobody works on", cfg: Config{OnlyLedger: true}, put: func(s *scene) { s.foreign(`1`) }},
	}
}

// foreign stores an event that has neither key nor id.
func (s *scene) foreign(value string) *event.Event {
	e := &event.Event{Value: []byte(value), Recorded: began}
	s.write(topics.Events, 0, kafka.Entry{Event: e, Producer: -1})
	return e
}

// predict writes the prediction of a foreign event.
func (s *scene) predict(of *event.Event) { s.predictAs(of, of.Source.String()) }

func (s *scene) predictAs(of *event.Event, id string) {
	s.calls = append(s.calls, id)
	s.write(topics.Predictions, of.Source.Partition, kafka.Entry{Producer: -1, Event: &event.Event{Recorded: began, Headers: []event.Header{
		{Name: event.HeaderID, Value: []byte(id)}, {Name: event.HeaderSource, Value: []byte(of.Source.String())},
	}}})
}

// last is the newest record of a log of an event.
func (s *scene) last(topic string, i int) *event.Event {
	log := s.log(topic, partOf(i))
	return log[len(log)-1].Event
}

func TestWhatIsAllowedBreaksNoRule(t *testing.T) {
	for _, a := range allowances() {
		bubble(t, a.what, func(t *testing.T) {
			s := sound(a.exact)
			a.put(s)
			v := s.judge(t, a.cfg)
			if v.Total() > 0 {
				t.Error(told(v))
			}
			if a.want != nil && !a.want(&v.Counts) {
				t.Errorf("counted %+v", v.Counts)
			}
		})
	}
}
