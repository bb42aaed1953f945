package trail

import (
	"encoding/json"
	"strconv"
	"time"

	"betimes/internal/event"
)

// idOf is the event's id as its record says it: the header, else the record's own place.
func idOf(e *event.Event) string {
	if id := e.OwnID(); id != "" {
		return id
	}
	return e.Source.String()
}

// sourceOf reads the header betimes-source of an ending: where its event was accepted.
func sourceOf(e *event.Event) (event.Source, bool) {
	return event.ParseSource(string(e.Header(event.HeaderSource)))
}

// accepted is what the record in events alone says.
func accepted(e *event.Event) event.Whereabouts {
	w := event.Whereabouts{ID: idOf(e), Key: e.Key, Accepted: e.Source, At: e.Recorded, Payload: e.Value}
	if t, err := event.ParseTimeline(e.Header(event.HeaderTimeline)); err == nil {
		w.Timeline = t
	} else {
		w.Timeline.Start(e.Recorded)
	}
	return w
}

// ended is what the record of an ending says.
func ended(e *event.Event, place event.Place) event.Whereabouts {
	w := event.Whereabouts{
		ID: idOf(e), Key: e.Key, Place: place, Ended: e.Source, EndedAt: e.Recorded,
		Reason:    event.Reason(e.Header(event.HeaderReason)),
		Error:     string(e.Header(event.HeaderError)),
		Stage:     string(e.Header(event.HeaderStage)),
		Decisions: string(e.Header(event.HeaderDecisions)),
	}
	w.Accepted, _ = sourceOf(e)
	w.Attempts, _ = strconv.Atoi(string(e.Header(event.HeaderAttempts)))
	if t, err := event.ParseTimeline(e.Header(event.HeaderTimeline)); err == nil {
		w.Timeline = t
	}
	if place == event.Predicted {
		readPrediction(&w, e)
	} else {
		w.Payload = e.Value
	}
	return w
}

// readPrediction takes what an envelope says. A value in another form (raw, or an
// owner's expression) is kept as it is when it is JSON, and as a JSON string else.
func readPrediction(w *event.Whereabouts, e *event.Event) {
	if !json.Valid(e.Value) {
		w.Prediction, _ = json.Marshal(string(e.Value))
		return
	}
	w.Prediction = e.Value
	p, ok := envelope(e)
	if !ok {
		return
	}
	w.Attempts = p.Attempts
	if !w.Timeline.Started() {
		w.Timeline = timelineOf(p)
	}
}

// envelope reads a prediction of format 1.
func envelope(e *event.Event) (event.Prediction, bool) {
	var p event.Prediction
	if err := json.Unmarshal(e.Value, &p); err != nil || p.Received.IsZero() || p.StagesUS == nil {
		return p, false
	}
	return p, true
}

// timelineOf rebuilds the clock from the stages of an envelope.
func timelineOf(p event.Prediction) event.Timeline {
	var t event.Timeline
	t.Start(p.Received)
	for s := range event.Stage(event.NumStages) {
		if us, ok := p.StagesUS[s.String()]; ok && us >= 0 {
			t.Mark(s, t.Last().Add(time.Duration(us)*time.Microsecond))
		}
	}
	return t
}
