package verify

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

func TestAVerdictDescribesTheFirstOfEachRuleAndCountsAll(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		s := sound(false)
		for i := range 5 {
			s.drop(topics.Predictions, 20+i)
		}
		v := s.judge(t, Config{Keep: 2})
		var text bytes.Buffer
		if err := v.WriteText(&text); err != nil {
			t.Fatal(err)
		}
		if v.Broken[Unseen] != 5 || v.Counts.Waiting != 5 || strings.Count(text.String(), "\nunseen  events:") != 2 || !strings.Contains(text.String(), "unseen: 3 more") {
			t.Errorf("%d unseen, %d waiting:\n%s", v.Broken[Unseen], v.Counts.Waiting, &text)
		}
		want := fmt.Sprintf("unseen  %s  #%016x  it ended nowhere", s.stored(20).Source, fnv([]byte(idOf(20))))
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, &text)
		}
	})
}

func TestAViolationShowsNeitherKeyNorPayloadNorID(t *testing.T) {
	for _, p := range plants() {
		bubble(t, p.bug, func(t *testing.T) {
			s := sound(p.exact)
			p.put(s)
			v := s.judge(t, p.cfg)
			var text bytes.Buffer
			if err := v.WriteText(&text); err != nil {
				t.Fatal(err)
			}
			if err := v.WriteJSON(&text); err != nil {
				t.Fatal(err)
			}
			if secret := regexp.MustCompile(`key-[0-9x]|id-[0-9l]|"n"`).Find(text.Bytes()); secret != nil {
				t.Errorf("%q is shown", secret)
			}
		})
	}
}

// One side alone is enough to be judged.
func TestALedgerOrATopicAloneIsSomethingToJudge(t *testing.T) {
	topicsOnly := sound(false)
	topicsOnly.sends = nil
	refused := &scene{recording: newRecording()}
	for i := range 3 {
		refused.sends = append(refused.sends, Line{Seq: uint64(i + 1), At: began, ID: []byte(idOf(i))}, Line{Answer: true, Seq: uint64(i + 1), At: began, Outcome: Failed})
	}
	for name, s := range map[string]*scene{"topics without a ledger": topicsOnly, "sends that were all refused": refused} {
		bubble(t, name, func(t *testing.T) {
			if v := s.judge(t, Config{}); v.Total() > 0 {
				t.Error(told(v))
			}
		})
	}
}

func TestEndingsThatAreReadBeforeTheirEventsKeepTheirOrder(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		s := sound(false)
		s.swap(topics.Predictions, some, some+sceneKeys)
		cfg := Config{}
		c := s.checker(t, &cfg)
		for _, first := range []bool{true, false} { // endings, then events
			for p, log := range s.logs {
				for i := range log {
					if (p.Topic != topics.Events) == first {
						c.Read(&log[i])
					}
				}
			}
		}
		if v := c.Verdict(); v.Broken[KeyOrder] != 1 || v.Counts.Ended != sceneEvents {
			t.Errorf("%d ended; %s", v.Counts.Ended, told(v))
		}
	})
}

func TestOfTwoEndingsTheirTimesSayWhichCameFirst(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		s := sound(false)
		s.end(topics.Shed, some) // read before or after the prediction, as it comes
		s.found(topics.Shed, some).Recorded = at(some + 1)
		v := s.judge(t, Config{Faults: []Window{{at(some + 2), at(some + 3)}}, InFlight: at(1).Sub(began) * 2})
		if v.Total() > 0 || v.Counts.TwoPlaces != 1 {
			t.Errorf("in two places %d; %s", v.Counts.TwoPlaces, told(v))
		}
	})
}

func TestAReadingGoesOnUntilWhatIsUnderWayHasEnded(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		s := sound(false)
		late := s.ending(topics.Predictions, some)
		s.drop(topics.Predictions, some)
		cfg := Config{}
		reader := NewReader(s.checker(t, &cfg), s, ReaderConfig{Ledger: s.ledger, Settle: 50 * lookEvery})
		looks := 0
		reader.cfg.Tell = func(Progressed) {
			if looks++; looks == 20 {
				s.write(topics.Predictions, partOf(some), late)
			}
		}
		v, err := reader.Once(t.Context())
		if err != nil || v.Broken[Unseen] != 0 || v.Counts.Ended != sceneEvents {
			t.Errorf("%v; %s", err, told(v))
		}
	})
}

func TestAJournalOfCallsIsReadWhateverItsForm(t *testing.T) {
	c := New(Config{Topics: topics})
	if err := c.TakeCalls(strings.NewReader("id-1\n\n{\"id\":\"id-2\",\"status\":200}\n{\"inference_id\":\"id-2\"}\n")); err != nil {
		t.Fatal(err)
	}
	if one, two := c.ids.find(fnv([]byte("id-1"))), c.ids.find(fnv([]byte("id-2"))); c.ids.get(one).calls != 1 || c.ids.get(two).calls != 2 || c.counts.Calls != 3 {
		t.Errorf("%d calls", c.counts.Calls)
	}
	for _, bad := range []string{"{}", "{\"id\":3}", "{"} {
		if err := c.TakeCalls(strings.NewReader(bad)); err == nil || !strings.Contains(err.Error(), "line 1") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestATableFindsWhatWasPutIn(t *testing.T) {
	var ids table[identity, *identity]
	const n = 3 * chunkOf
	hash := func(i int) uint64 { return uint64(i) * 0x9e3779b97f4a7c15 }
	for i := range n {
		number, made := ids.add(hash(i))
		if !made || number != uint32(i+1) {
			t.Fatalf("element %d: number %d, made %v", i, number, made)
		}
		ids.get(number).hash = hash(i)
	}
	for i := range n {
		if number, made := ids.add(hash(i)); made || number != uint32(i+1) || ids.find(hash(i)) != number {
			t.Fatalf("element %d is found as %d", i, number)
		}
	}
	if ids.find(hash(n)) != 0 {
		t.Error("found what was not put in")
	}
}

func TestABookThatBeginsInTheMiddleReachesBack(t *testing.T) {
	c := New(Config{Topics: topics})
	record := func(offset int64) *kafka.Entry {
		return &kafka.Entry{Producer: -1, Event: &event.Event{Source: event.Source{Topic: topics.Predictions, Offset: offset}}}
	}
	c.Log(record(5 * chunkOf))
	c.Read(record(7)) // the other reading began earlier
	b := c.books.log[kafka.Partition{Topic: topics.Predictions}]
	if one := b.look(7); one == nil || one.flags&logRead == 0 {
		t.Error("the earlier record is not kept")
	}
	if one := b.look(5 * chunkOf); one == nil || one.flags&logSeen == 0 {
		t.Error("the later record is not found any more")
	}
	if b.look(6*chunkOf) != nil || b.look(-1) != nil {
		t.Error("found what was not told")
	}
}
