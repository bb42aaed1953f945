package verify

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// plant is one bug put into a sound run, and the rule that must catch it.
type plant struct {
	bug   string
	rule  Rule
	exact bool // endings are in transactions, and none may come twice
	cfg   Config
	put   func(s *scene)
}

// events, predictions and letters give a log of one partition.
func (s *scene) log(topic string, part int32) []kafka.Entry {
	return s.logs[kafka.Partition{Topic: topic, Number: part}]
}

// found gives the ending of an event.
func (s *scene) found(topic string, i int) *event.Event {
	for _, e := range s.log(topic, partOf(i)) {
		if string(e.Event.Header(event.HeaderID)) == idOf(i) {
			return e.Event
		}
	}
	return nil
}

// drop takes one record out of a log; those behind it move up.
func (s *scene) drop(topic string, i int) {
	p := kafka.Partition{Topic: topic, Number: partOf(i)}
	s.logs[p] = slices.DeleteFunc(s.logs[p], func(e kafka.Entry) bool { return string(e.Event.Header(event.HeaderID)) == idOf(i) })
	for n := range s.logs[p] {
		s.logs[p][n].Event.Source.Offset = int64(n)
	}
}

// set changes a header of a record.
func set(e *event.Event, name, value string) {
	for i := range e.Headers {
		if e.Headers[i].Name == name {
			e.Headers[i].Value = []byte(value)
		}
	}
}

// unset takes a header away.
func unset(e *event.Event, name string) {
	e.Headers = slices.DeleteFunc(e.Headers, func(h event.Header) bool { return h.Name == name })
}

// swap exchanges two endings of one partition, places apart.
func (s *scene) swap(topic string, i, j int) {
	a, b := s.found(topic, i), s.found(topic, j)
	a.Source, b.Source = b.Source, a.Source
	log := s.log(topic, partOf(i))
	log[a.Source.Offset].Event, log[b.Source.Offset].Event = a, b
}

// answer changes what the ledger says of a send.
func (s *scene) answer(i int, o Outcome, at event.Source) {
	for n := range s.sends {
		if l := &s.sends[n]; l.Answer && l.Seq == uint64(i+1) {
			l.Outcome, l.Source = o, at
		}
	}
}

// again has a reading changed: list is what one fetch brings.
func (s *scene) again(change func(topics []string, uncommitted bool, list []kafka.Entry) []kafka.Entry) {
	s.spoil.entries = change
}

const (
	letter = 9  // an event that becomes a dead letter
	some   = 21 // an event that is predicted, as the one sceneKeys later
)

func plants() []plant {
	all := slices.Concat(plantsOfSending(), plantsOfEnding(), plantsOfTransactions(), plantsOfReading())
	return all
}

func plantsOfSending() []plant {
	return []plant{
		{bug: "an event is acknowledged and never stored", rule: LostWrite, put: func(s *scene) {
			s.sends = append(s.sends, Line{Seq: 99, At: began, ID: []byte("id-lost"), CRC: 1}, Line{Answer: true, Seq: 99, At: began, Outcome: OK})
		}},
		{bug: "an event is acknowledged before it is stored, and another is stored there", rule: LostWrite, put: func(s *scene) {
			s.sends = append(s.sends, Line{Seq: 99, At: began, ID: []byte("id-lost"), CRC: 1},
				Line{Answer: true, Seq: 99, At: began, Outcome: OK, Source: event.Source{Topic: topics.Events, Offset: 1}})
		}},
		{bug: "the answer names another place than the event's", rule: LostWrite, put: func(s *scene) {
			s.answer(some, OK, event.Source{Topic: topics.Events, Partition: partOf(some), Offset: 0})
		}},
		{bug: "an event that was refused is stored", rule: AbortedRead, put: func(s *scene) { s.answer(some, Failed, event.Source{}) }},
		{bug: "a retry of the producer stores an event twice", rule: Duplicated, put: func(s *scene) {
			copied := *s.stored(some)
			src := s.write(topics.Events, partOf(some), kafka.Entry{Event: &copied, Producer: -1})
			e := s.ending(topics.Predictions, some)
			set(e.Event, event.HeaderSource, src.String())
			s.write(topics.Predictions, partOf(some), e)
		}},
		{bug: "two sends of a key are stored in the other order", rule: NonmonotonicSend, put: func(s *scene) {
			a, b := s.stored(some).Source, s.stored(some+sceneKeys).Source
			s.answer(some, OK, b)
			s.answer(some+sceneKeys, OK, a)
		}},
		{bug: "a value is damaged on its way in", rule: CorruptValue, put: func(s *scene) { s.stored(some).Value = []byte(`{"n":0}`) }},
		{bug: "a value is damaged, of a sender that does not know the keys", rule: CorruptValue, put: func(s *scene) {
			for i := range s.sends {
				s.sends[i].Key = 0
			}
			s.stored(some).Value = []byte(`{"n":0}`)
		}},
		{bug: "an event comes in under another key", rule: CorruptValue, put: func(s *scene) {
			s.stored(some).Key, s.found(topics.Predictions, some).Key = []byte("key-x"), []byte("key-x")
		}},
	}
}

func plantsOfEnding() []plant {
	crash := Config{Faults: []Window{{at(10), at(12)}}, InFlight: 20 * time.Millisecond}
	return []plant{
		{bug: "the sink drops an ending", rule: Unseen, put: func(s *scene) { s.drop(topics.Predictions, some) }},
		{bug: "a dead letter is not written", rule: Unseen, put: func(s *scene) { s.drop(topics.DeadLetters, letter) }},
		{bug: "an offset is committed before its event has ended", rule: CommitAhead, put: func(s *scene) { s.drop(topics.Predictions, some) }},
		{bug: "the sink writes twice", rule: Duplicated, exact: true, put: func(s *scene) { s.end(topics.Predictions, some) }},
		{bug: "an event ends again, and no fault was near", rule: Duplicated, cfg: crash, put: func(s *scene) { s.end(topics.Predictions, some) }},
		{bug: "an event ends again that had been committed", rule: Duplicated, cfg: Config{
			Faults: []Window{{at(0), at(100)}}, Finished: func(event.Source) (time.Time, bool) { return at(0), true },
		}, put: func(s *scene) { s.end(topics.Predictions, some) }},
		{bug: "an event is predicted and dead-lettered", rule: TwoPlaces, put: func(s *scene) { s.end(topics.DeadLetters, some) }},
		{bug: "an event is shed and predicted, with transactions", rule: TwoPlaces, exact: true, put: func(s *scene) { s.end(topics.Shed, some) }},
		{bug: "a later event of a key ends first", rule: KeyOrder, put: func(s *scene) { s.swap(topics.Predictions, some, some+sceneKeys) }},
		{bug: "a partition's order is broken where it is promised", rule: KeyOrder, cfg: Config{Order: ByPartition}, put: func(s *scene) { s.swap(topics.Predictions, some, some+3) }},
		{bug: "two predictions have each other's value", rule: WrongRecord, put: func(s *scene) {
			a, b := s.found(topics.Predictions, some), s.found(topics.Predictions, some+sceneKeys)
			a.Value, b.Value = b.Value, a.Value
		}},
		{bug: "two predictions have each other's id", rule: WrongRecord, put: func(s *scene) { set(s.found(topics.Predictions, some), event.HeaderID, idOf(some+sceneKeys)) }},
		{bug: "a prediction has another key than its event", rule: WrongRecord, put: func(s *scene) { s.found(topics.Predictions, some).Key = []byte("key-x") }},
		{bug: "a prediction lies in another partition than its event", rule: WrongRecord, put: func(s *scene) {
			e := s.ending(topics.Predictions, some)
			s.drop(topics.Predictions, some)
			s.write(topics.Predictions, (partOf(some)+1)%parts, e)
		}},
		{bug: "an ending names an event that there is not", rule: NoSuchEvent, put: func(s *scene) {
			set(s.found(topics.Predictions, some), event.HeaderSource, "events:1:99999999999")
		}},
		{bug: "an ending names no event", rule: NoSuchEvent, put: func(s *scene) { unset(s.found(topics.Predictions, some), event.HeaderSource) }},
		{bug: "a dead letter does not say why", rule: NoReason, put: func(s *scene) { unset(s.found(topics.DeadLetters, letter), event.HeaderReason) }},
		{bug: "a dead letter has lost its bytes", rule: BytesChanged, put: func(s *scene) { s.found(topics.DeadLetters, letter).Value = nil }},
		{bug: "a dead letter has another key", rule: BytesChanged, put: func(s *scene) { s.found(topics.DeadLetters, letter).Key = nil }},
		{bug: "a dead letter has lost a foreign header", rule: BytesChanged, put: func(s *scene) { unset(s.found(topics.DeadLetters, letter), "content-type") }},
		{bug: "the model is asked twice", rule: ExtraCall, put: func(s *scene) { s.calls = append(s.calls, idOf(some)) }},
		{bug: "a prediction is made up", rule: NoCall, put: func(s *scene) { s.calls = slices.Delete(s.calls, some, some+1) }},
		{bug: "the pipeline stands still for 100 ms", rule: NoProgress, cfg: Config{Progress: []Progress{{Window{at(20), at(40)}, 1}}}, put: func(s *scene) {
			for i := 14; i < 36; i++ {
				s.ended(i).Recorded = at(41)
			}
		}},
		{bug: "an event waits for minutes", rule: RealtimeLag, cfg: Config{MaxLag: time.Second}, put: func(s *scene) { s.ended(some).Recorded = at(some).Add(time.Minute) }},
	}
}

// ended is the ending of an event.
func (s *scene) ended(i int) *event.Event {
	if e := s.found(topics.Predictions, i); e != nil {
		return e
	}
	return s.found(topics.DeadLetters, i)
}

func plantsOfTransactions() []plant {
	return []plant{
		{bug: "the pipeline works on an event whose transaction was aborted", rule: AbortedRead, put: func(s *scene) {
			i := sceneEvents
			s.send(i)
			log := s.log(topics.Events, partOf(i))
			log[len(log)-1].Transactional, log[len(log)-1].Producer = true, 5
			s.mark(topics.Events, partOf(i), 5, kafka.Aborted)
			s.work(i)
		}},
		{bug: "a reader of committed records is given aborted ones", rule: AbortedRead, exact: true, put: func(s *scene) {
			s.write(topics.Predictions, partOf(some), s.ending(topics.Predictions, some))
			s.mark(topics.Predictions, partOf(some), 7, kafka.Aborted)
			s.spoil.aborted = true
		}},
		{bug: "a reader of committed records is given open ones", rule: PrecommittedRead, exact: true, put: func(s *scene) {
			e := s.ending(topics.Predictions, some)
			e.Producer = 8
			s.write(topics.Predictions, partOf(some), e)
		}},
		{bug: "a record is given out before the end of what is committed has passed it", rule: PrecommittedRead, exact: true, put: func(s *scene) {
			s.again(func(_ []string, uncommitted bool, list []kafka.Entry) []kafka.Entry {
				for i := range list {
					list[i].Stable = 3
				}
				return list
			})
		}},
		{bug: "a transaction ends an event and never the one before it of its key", rule: IntSendSkip, exact: true, put: func(s *scene) { s.lose(topics.Predictions, some) }},
	}
}

// lose takes a record and the marker behind it out of a log.
func (s *scene) lose(topic string, i int) {
	p := kafka.Partition{Topic: topic, Number: partOf(i)}
	at := s.found(topic, i).Source.Offset
	s.logs[p] = slices.Delete(s.logs[p], int(at), int(at)+2)
	for n := range s.logs[p] {
		s.logs[p][n].Event.Source.Offset = int64(n)
	}
}

func plantsOfReading() []plant {
	one := event.Source{Topic: topics.Predictions, Partition: partOf(some), Offset: 2}
	without := func(gone func(e *kafka.Entry, uncommitted bool) bool) func(s *scene) {
		return func(s *scene) {
			s.again(func(_ []string, uncommitted bool, list []kafka.Entry) []kafka.Entry {
				return slices.DeleteFunc(list, func(e kafka.Entry) bool { return gone(&e, uncommitted) })
			})
		}
	}
	return []plant{
		{bug: "a reader passes over a record", rule: PollSkip, put: without(func(e *kafka.Entry, uncommitted bool) bool { return !uncommitted && e.Event.Source == one })},
		{bug: "the reading of the log passes over a record", rule: PollSkip, put: without(func(e *kafka.Entry, uncommitted bool) bool { return uncommitted && e.Event.Source == one })},
		{bug: "the reader stops early", rule: PollSkip, put: without(func(e *kafka.Entry, _ bool) bool { return e.Event.Source.Offset > 5 })},
		{bug: "the reader reads nothing", rule: NothingToJudge, put: without(func(*kafka.Entry, bool) bool { return true })},
		{bug: "the reader reads one partition of three", rule: PollSkip, put: without(func(e *kafka.Entry, _ bool) bool { return e.Event.Source.Partition > 0 })},
		{bug: "the reader leaves out the topic of dead letters", rule: PollSkip, put: without(func(e *kafka.Entry, _ bool) bool { return e.Event.Source.Topic == topics.DeadLetters })},
		{bug: "the reader takes every partition for the first", rule: NonmonotonicPoll, put: func(s *scene) {
			s.again(func(_ []string, _ bool, list []kafka.Entry) []kafka.Entry {
				for i := range list {
					moved := *list[i].Event
					moved.Source.Partition = 0
					list[i].Event = &moved
				}
				return list
			})
		}},
		{bug: "a reader goes back", rule: NonmonotonicPoll, put: func(s *scene) {
			s.again(func(_ []string, _ bool, list []kafka.Entry) []kafka.Entry { return append(list, list...) })
		}},
		{bug: "two readers are given different records", rule: InconsistentOffsets, put: func(s *scene) {
			s.again(func(_ []string, uncommitted bool, list []kafka.Entry) []kafka.Entry {
				for i := range list {
					if list[i].Event.Source == one && uncommitted {
						changed := *list[i].Event
						changed.Value = []byte("other")
						list[i].Event = &changed
					}
				}
				return list
			})
		}},
		{bug: "nothing was sent and nothing read", rule: NothingToJudge, put: func(s *scene) {
			s.recording, s.sends, s.calls = newRecording(), nil, nil
		}},
		{bug: "what was sent went to another cluster", rule: NothingToJudge, put: func(s *scene) { s.recording = newRecording() }},
	}
}

// TestEveryPlantedBugIsCaught plants one bug at a time. A plant that its rule
// does not catch, or a rule that no plant tries, fails the test.
func TestEveryPlantedBugIsCaught(t *testing.T) {
	tried, caught := map[Rule]bool{}, 0
	all := plants()
	for _, p := range all {
		tried[p.rule] = true
		bubble(t, p.bug, func(t *testing.T) {
			s := sound(p.exact)
			p.put(s)
			v := s.judge(t, p.cfg)
			if v.Broken[p.rule] == 0 {
				t.Errorf("%s did not catch it; found: %s", p.rule, told(v))
				return
			}
			if !p.exact && v.Broken[IntSendSkip] > 0 {
				t.Errorf("%s without transactions", IntSendSkip)
			}
			caught++
		})
	}
	restarted := plantsOfRestart()
	for _, p := range restarted {
		bubble(t, p.bug, func(t *testing.T) {
			if p.caught(t) {
				caught++
				return
			}
			t.Error("not caught")
		})
	}
	for _, rule := range Rules() {
		if !tried[rule] {
			t.Errorf("no plant tries %s", rule)
		}
	}
	fmt.Printf("mutation score: %d of %d planted bugs caught\n", caught, len(all)+len(restarted))
}

// bubble runs a test in a time of its own.
func bubble(t *testing.T, name string, f func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

// restart is a bug that shows only in a second reading.
type restart struct {
	bug  string
	spin func(s *scene)
}

func plantsOfRestart() []restart {
	p := kafka.Partition{Topic: topics.Predictions, Number: partOf(some)}
	return []restart{
		{"a restart of the brokers changes a record", func(s *scene) { s.found(topics.Predictions, some).Value = []byte(`{}`) }},
		{"a restart of the brokers loses the newest records", func(s *scene) { s.logs[p] = s.logs[p][:len(s.logs[p])-2] }},
	}
}

// caught reads twice with one Checker, then with two that know each other's verdict.
func (r restart) caught(t *testing.T) bool {
	s := sound(false)
	cfg := Config{}
	reader := NewReader(s.checker(t, &cfg), s, ReaderConfig{Ledger: s.ledger, Silence: 300 * time.Millisecond})
	first, err := reader.Once(t.Context())
	if err != nil || first.Total() > 0 {
		t.Fatalf("before the restart: %v %s", err, told(first))
	}
	if again, err := reader.Once(t.Context()); err != nil || again.Total() > 0 || again.Counts != first.Counts {
		t.Fatalf("read again: %v %s\n%+v\n%+v", err, told(again), again.Counts, first.Counts)
	}
	r.spin(s)
	second, err := reader.Once(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	anew := s.checker(t, &cfg)
	anew.Against(&first)
	third, err := NewReader(anew, s, ReaderConfig{Ledger: s.ledger, Silence: 300 * time.Millisecond}).Once(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return second.Broken[InconsistentOffsets] > 0 && third.Broken[InconsistentOffsets] > 0
}
