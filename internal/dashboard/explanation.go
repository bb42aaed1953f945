package dashboard

import (
	"bytes"
	"encoding/json"
	"time"

	"betimes/internal/event"
	"betimes/internal/privacy"
)

// Explanation is one event with every stage and decision, as far as it may be shown.
type Explanation struct {
	ID        string       `json:"id"`
	Key       string       `json:"key"`
	Place     string       `json:"place"` // unfinished · predicted · dead_letter · quarantined · shed · parked
	Accepted  *Record      `json:"accepted,omitempty"`
	Ended     *Record      `json:"ended,omitempty"`
	Began     *time.Time   `json:"began,omitempty"` // when its clock started
	LatencyUS int64        `json:"latency_us"`      // sum of the stages
	Stages    []StageSpent `json:"stages"`
	Skew      bool         `json:"skew,omitempty"` // clocks disagreed: a negative stage is shown as zero

	Late       *bool           `json:"late,omitempty"`
	Deadline   *time.Time      `json:"deadline,omitempty"`
	Status     string          `json:"status,omitempty"`
	Model      *event.ModelRef `json:"model,omitempty"`
	Cache      string          `json:"cache,omitempty"`
	Batch      int             `json:"batch,omitempty"`
	Attempts   int             `json:"attempts,omitempty"`
	Prediction json.RawMessage `json:"prediction,omitempty"` // figures; more only with privacy.show: payloads

	Reason    string `json:"reason,omitempty"`
	Error     string `json:"error,omitempty"`
	Stage     string `json:"stage,omitempty"` // where it failed
	Decisions string `json:"decisions,omitempty"`
	Payload   string `json:"payload,omitempty"`
}

// Record names a record and its time.
type Record struct {
	Topic     string    `json:"topic"`
	Partition int32     `json:"partition"`
	Offset    int64     `json:"offset"`
	At        time.Time `json:"at"`
}

// StageSpent is the time of one stage.
type StageSpent struct {
	Stage string `json:"stage"`
	US    int64  `json:"us"`
}

// maxPayload bounds what is shown of a payload.
const maxPayload = 4096

// Explain puts what is known of an event in the form that people see.
func Explain(w event.Whereabouts, p privacy.Policy) Explanation {
	x := Explanation{
		ID: w.ID, Key: p.Key(w.Key), Place: w.Place.String(), Accepted: record(w.Accepted, w.At), Ended: record(w.Ended, w.EndedAt),
		LatencyUS: w.Timeline.Total().Microseconds(), Stages: []StageSpent{}, Skew: w.Timeline.Skewed(),
		Attempts: w.Attempts, Reason: string(w.Reason), Error: w.Error, Stage: w.Stage, Decisions: w.Decisions,
		Payload: p.Payload(w.Payload, maxPayload),
	}
	if w.Timeline.Started() {
		began := w.Timeline.Began().UTC()
		x.Began = &began
	}
	for _, s := range stages() {
		if spent, ok := w.Timeline.Spent(s); ok {
			x.Stages = append(x.Stages, StageSpent{s.String(), spent.Microseconds()})
		}
	}
	x.predicted(w.Prediction, p)
	return x
}

// stages lists all stages in the order of the journey: publish is its end.
func stages() []event.Stage {
	out := make([]event.Stage, 0, event.NumStages)
	for s := range event.Stage(event.NumStages) {
		if s != event.StagePublish {
			out = append(out, s)
		}
	}
	return append(out, event.StagePublish)
}

func record(s event.Source, at time.Time) *Record {
	if s.Topic == "" {
		return nil
	}
	return &Record{s.Topic, s.Partition, s.Offset, at.UTC()}
}

// predicted takes what the prediction's envelope says; one in a form of the
// owner's own is shown as a whole, if at all.
func (x *Explanation) predicted(value json.RawMessage, p privacy.Policy) {
	if value == nil {
		return
	}
	var e event.Prediction
	if json.Unmarshal(value, &e) != nil || e.Status == "" {
		x.Prediction = shown(value, p)
		return
	}
	x.Status, x.Model, x.Cache, x.Batch, x.Attempts = e.Status, &e.Model, e.Cache, e.Batch, e.Attempts
	x.Late, x.Deadline = &e.Late, e.Deadline
	x.Prediction = shown(e.Prediction, p)
}

// shown gives an answer that is figures only; one with text may repeat the
// payload and is shown only where payloads are.
func shown(answer json.RawMessage, p privacy.Policy) json.RawMessage {
	if len(answer) == 0 || p.Show == privacy.Payloads || p.Show == privacy.Keys && figures(answer) {
		return answer
	}
	hidden, _ := json.Marshal(privacy.Policy{}.Payload(answer, 0)) // a string always encodes
	return hidden
}

// maxDigits is the most digits of a figure that cannot be a card or account number.
const maxDigits = 9

// figures says whether JSON holds only short numbers, fractions and truth values.
func figures(answer json.RawMessage) bool {
	d := json.NewDecoder(bytes.NewReader(answer))
	d.UseNumber()
	var v any
	return d.Decode(&v) == nil && isFigure(v)
}

func isFigure(v any) bool {
	switch v := v.(type) {
	case nil, bool:
		return true
	case json.Number:
		whole, _, _ := bytes.Cut([]byte(v), []byte{'.'})
		return len(whole) <= maxDigits
	case []any:
		for _, one := range v {
			if !isFigure(one) {
				return false
			}
		}
		return true
	case map[string]any:
		for name, one := range v {
			if !plainName(name) || !isFigure(one) {
				return false
			}
		}
		return true
	}
	return false
}

// plainName says whether a field's name is a word of a model, not a value used as a name.
func plainName(name string) bool {
	if len(name) > 40 {
		return false
	}
	digits := 0
	for _, c := range name {
		if c >= '0' && c <= '9' {
			digits++
		}
	}
	return digits <= maxDigits
}
