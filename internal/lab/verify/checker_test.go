package verify

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// scene is a sound run: a ledger, and what the topics hold.
type scene struct {
	*recording
	ledger string
	exact  bool
	sends  []Line
	calls  []string
}

const (
	sceneEvents = 60
	sceneKeys   = 7
)

// sound is a run in which everything is as promised: every tenth event is a dead
// letter, the rest is predicted. With exact, endings are in transactions.
func sound(exact bool) *scene {
	s := &scene{recording: newRecording(), exact: exact}
	for i := range sceneEvents {
		s.send(i)
	}
	for i := range sceneEvents {
		s.work(i)
	}
	for n := range int32(parts) {
		p := kafka.Partition{Topic: topics.Events, Number: n}
		s.committed[p] = int64(len(s.logs[p]))
	}
	return s
}

func idOf(i int) string    { return fmt.Sprint("id-", i) }
func keyOf(i int) []byte   { return fmt.Append(nil, "key-", i%sceneKeys) }
func partOf(i int) int32   { return int32(i % sceneKeys % parts) }
func valueOf(i int) []byte { return fmt.Appendf(nil, `{"n":%d}`, i) }

func at(i int) time.Time { return began.Add(time.Duration(i) * 10 * time.Millisecond) }

// send stores an event and writes the ledger's two lines.
func (s *scene) send(i int) {
	s.sends = append(s.sends, Line{Seq: uint64(i + 1), At: at(i), ID: []byte(idOf(i)), Key: keyHash(keyOf(i)), CRC: checksum(valueOf(i))})
	src := s.write(topics.Events, partOf(i), kafka.Entry{Producer: -1, Event: &event.Event{
		Key: keyOf(i), Value: valueOf(i), Recorded: at(i),
		Headers: []event.Header{{Name: event.HeaderID, Value: []byte(idOf(i))}, {Name: "content-type", Value: []byte("application/json")}},
	}})
	s.sends = append(s.sends, Line{Answer: true, Seq: uint64(i + 1), At: at(i), Outcome: OK, Source: src})
}

// stored finds the record of an event.
func (s *scene) stored(i int) *event.Event {
	for _, e := range s.logs[kafka.Partition{Topic: topics.Events, Number: partOf(i)}] {
		if string(e.Event.Header(event.HeaderID)) == idOf(i) {
			return e.Event
		}
	}
	return nil
}

// work asks the model about an event and writes its ending.
func (s *scene) work(i int) {
	s.calls = append(s.calls, idOf(i))
	topic := topics.Predictions
	if i%10 == 9 {
		topic = topics.DeadLetters
	}
	s.end(topic, i)
}

// end writes an ending, in a transaction of its own with exact.
func (s *scene) end(topic string, i int) event.Source {
	src := s.write(topic, partOf(i), s.ending(topic, i))
	if s.exact {
		s.mark(topic, partOf(i), 7, kafka.Committed)
	}
	return src
}

func (s *scene) ending(topic string, i int) kafka.Entry {
	from := s.stored(i)
	e := &event.Event{Key: from.Key, Recorded: at(i + 5), Headers: []event.Header{
		{Name: event.HeaderID, Value: []byte(idOf(i))}, {Name: event.HeaderSource, Value: []byte(from.Source.String())},
	}}
	if topic == topics.Predictions {
		e.Value = fmt.Appendf(nil, `{"id":%q,"status":"ok","cache":"off","prediction":{}}`, idOf(i))
	} else {
		e.Value = from.Value
		e.Headers = append(e.Headers, from.Headers[1], event.Header{Name: event.HeaderReason, Value: []byte("model_input")})
	}
	entry := kafka.Entry{Event: e, Producer: -1}
	if s.exact {
		entry.Producer, entry.Transactional = 7, true
	}
	return entry
}

// judge writes the ledger to a file and reads everything.
func (s *scene) judge(t *testing.T, cfg Config) Verdict {
	t.Helper()
	checker := s.checker(t, &cfg)
	v, err := NewReader(checker, s, ReaderConfig{Ledger: s.ledger, Group: "g", Silence: 300 * time.Millisecond}).Once(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (s *scene) checker(t *testing.T, cfg *Config) *Checker {
	t.Helper()
	cfg.Topics, cfg.ExactlyOnce, cfg.MaxCalls = topics, s.exact, 1
	s.ledger = filepath.Join(t.TempDir(), "ledger")
	writeLedger(t, s.ledger, s.sends)
	checker := New(*cfg)
	for _, id := range s.calls {
		checker.Call(id)
	}
	return checker
}

func TestASoundRunBreaksNoRule(t *testing.T) {
	for name, exact := range map[string]bool{"at least once": false, "exactly once": true} {
		bubble(t, name, func(t *testing.T) { soundly(t, exact) })
	}
}

func soundly(t *testing.T, exact bool) {
	v := sound(exact).judge(t, Config{MaxLag: time.Second, Progress: []Progress{{Window{at(10), at(40)}, 20}}})
	if v.Total() > 0 {
		t.Error(told(v))
	}
	c := v.Counts
	if c.Sent != sceneEvents || c.OK != sceneEvents || c.Events != sceneEvents || c.Ended != sceneEvents || c.Waiting != 0 || v.Places["dead-letters"] != sceneEvents/10 {
		t.Errorf("counted %+v in %v", c, v.Places)
	}
	if v.WorstLag != 50*time.Millisecond {
		t.Errorf("worst lag %s", v.WorstLag)
	}
}
