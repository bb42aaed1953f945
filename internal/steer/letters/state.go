package letters

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// Deed is what was done about a letter.
type Deed string

// The deeds.
const (
	Replayed Deed = "replayed"
	Dropped  Deed = "dropped"
)

// Handled notes what was done about a letter: the value of the record
// dead-letters/<topic>:<partition>:<offset> in the state topic.
type Handled struct {
	Deed Deed      `json:"deed"`
	At   time.Time `json:"at"`
	Into string    `json:"into,omitempty"` // the record it was replayed to

	ID       string `json:"id"`       // of the letter, so that a note says
	Recorded int64  `json:"recorded"` // nothing of a topic made anew; Unix ms
}

const statePrefix = "dead-letters/"

// concerns says whether the note is of this very record.
func (h *Handled) concerns(l *Letter) bool {
	return h != nil && h.ID == l.ID && h.Recorded == l.Recorded.UnixMilli()
}

// note makes the record that says what was done about one record of a letter.
func (b *Box) note(at event.Source, h Handled) *kafka.Record {
	value, _ := json.Marshal(h) // texts and numbers always encode
	return &kafka.Record{Topic: b.deps.Topics.State, Key: []byte(statePrefix + at.String()), Value: value}
}

// notes reads what was done about the letters of this topic.
func (b *Box) notes(ctx context.Context) (map[event.Source]*Handled, error) {
	notes := map[event.Source]*Handled{}
	err := b.each(ctx, b.deps.Topics.State, kafka.TailStart(), func(e *event.Event) error {
		if at, h, ours := b.noted(e); ours && h != nil {
			notes[at] = h
		} else if ours {
			delete(notes, at)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read what was done about letters: %w", err)
	}
	return notes, nil
}

// noted reads a record of the state topic: what was done about a letter of this
// topic, nil when it is taken back; or that it is none of ours.
func (b *Box) noted(e *event.Event) (at event.Source, h *Handled, ours bool) {
	name, ours := strings.CutPrefix(string(e.Key), statePrefix)
	at, ok := event.ParseSource(name)
	if !ours || !ok || at.Topic != b.deps.Topics.Letters {
		return at, nil, false
	}
	h = &Handled{}
	if len(e.Value) == 0 || json.Unmarshal(e.Value, h) != nil {
		return at, nil, true
	}
	return at, h, true
}

// sweep takes back the notes of letters that retention has removed, so that the
// state topic does not grow for ever. It waits for nothing: the next one sweeps again.
func (b *Box) sweep(ctx context.Context) error {
	notes, err := b.notes(ctx)
	if err != nil {
		return err
	}
	start, _, err := b.deps.Reader.Offsets(ctx, b.deps.Topics.Letters)
	if err != nil {
		return err
	}
	for at := range notes {
		if at.Offset < start[at.Partition] {
			b.deps.Sink.Write(&kafka.Record{Topic: b.deps.Topics.State, Key: []byte(statePrefix + at.String())}, func(event.Source, error) {})
		}
	}
	return nil
}
