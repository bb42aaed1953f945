package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"betimes/internal/event"
	"betimes/internal/listen"
)

// place is one record, as answers show it.
type place struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
}

// found is the answer of GET /v1/events/{id}.
type found struct {
	ID         string           `json:"id"`
	Key        string           `json:"key,omitempty"` // as privacy.show allows
	Place      string           `json:"place"`         // predicted · dead_letter · quarantined · shed · parked · unfinished
	Accepted   *place           `json:"accepted,omitempty"`
	AcceptedAt *time.Time       `json:"accepted_at,omitempty"`
	Ended      *place           `json:"ended,omitempty"`
	EndedAt    *time.Time       `json:"ended_at,omitempty"`
	LatencyUS  int64            `json:"latency_us"`
	StagesUS   map[string]int64 `json:"stages_us"`
	Skew       bool             `json:"skew,omitempty"` // clocks disagreed: a stage is shown as zero
	Prediction json.RawMessage  `json:"prediction,omitempty"`
	Reason     string           `json:"reason,omitempty"`
	Error      string           `json:"error,omitempty"`
	Stage      string           `json:"stage,omitempty"`
	Attempts   int              `json:"attempts,omitempty"`
	Decisions  string           `json:"decisions,omitempty"`
}

// find says where an event is: GET /v1/events/{id}.
func (s *Server) find(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if s.deps.Finder == nil || checkID(id, "id") != nil {
		unknown(w, event.ErrUnknown)
		return
	}
	where, err := s.deps.Finder.Find(r.Context(), id)
	switch {
	case errors.Is(err, event.ErrUnknown):
		unknown(w, err)
	case err != nil:
		s.deps.Log.Warn("event not looked up", "err", err)
		p := listen.NewProblem(http.StatusServiceUnavailable, "not_found_out", "The event cannot be looked up now", "ask again")
		p.RetryAfter = retryAfter
		p.Write(w)
	default:
		s.show(w, where)
	}
}

// unknown answers 404; a Finder that still reads says so in why.
func unknown(w http.ResponseWriter, why error) {
	detail := "no event of that id was accepted, or the topics no longer keep it"
	if why != event.ErrUnknown {
		detail = why.Error()
	}
	listen.NewProblem(http.StatusNotFound, "unknown_event", "No such event", detail).Write(w)
}

func (s *Server) show(w http.ResponseWriter, where event.Whereabouts) {
	w.Header()["Content-Type"] = jsonType
	_ = json.NewEncoder(w).Encode(s.describeEvent(where)) // the caller may have gone
}

func (s *Server) describeEvent(where event.Whereabouts) found {
	f := found{
		ID: where.ID, Place: where.Place.String(),
		Accepted: placeOf(where.Accepted), AcceptedAt: instant(where.At),
		Ended: placeOf(where.Ended), EndedAt: instant(where.EndedAt),
		LatencyUS: where.Timeline.Total().Microseconds(), StagesUS: stages(&where.Timeline), Skew: where.Timeline.Skewed(),
		Reason: string(where.Reason), Error: where.Error, Stage: where.Stage, Attempts: where.Attempts, Decisions: where.Decisions,
	}
	if len(where.Key) > 0 {
		f.Key = s.live.Load().privacy.Key(where.Key)
	}
	if len(where.Prediction) > 0 {
		f.Prediction = asJSON(where.Prediction)
	}
	return f
}

// asJSON keeps JSON and makes a string of anything else: with predictions in
// the format raw the record is the model's own answer.
func asJSON(prediction []byte) json.RawMessage {
	if json.Valid(prediction) {
		return prediction
	}
	text, _ := json.Marshal(string(prediction)) // a string cannot fail
	return text
}

func stages(t *event.Timeline) map[string]int64 {
	list := map[string]int64{}
	for s := range event.Stage(event.NumStages) {
		if d, passed := t.Spent(s); passed {
			list[s.String()] = d.Microseconds()
		}
	}
	return list
}

func placeOf(s event.Source) *place {
	if s.Topic == "" {
		return nil
	}
	return &place{s.Topic, s.Partition, s.Offset}
}

func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// ending waits until an event has ended.
type ending func(context.Context) (event.Whereabouts, error)

// expect registers for the ending when the caller wants to wait for it.
func (s *Server) expect(c *call, id string) (wait ending, cancel func()) {
	if c.wait == 0 || s.deps.Finder == nil {
		return nil, func() {}
	}
	return s.deps.Finder.Expect(id)
}

// answerEnded answers with the ending if it comes within the wait that the
// caller prefers; else it says false and the event is answered as accepted.
func (s *Server) answerEnded(w http.ResponseWriter, r *http.Request, c *call, id string, again bool, wait ending) bool {
	w.Header().Set("Preference-Applied", "wait="+strconv.Itoa(int(c.wait/time.Second)))
	ctx, cancel := context.WithDeadline(r.Context(), c.received.Add(c.wait))
	defer cancel()
	defer context.AfterFunc(s.stopping, cancel)() // accepted it is; who waits longer than the server runs is told so
	if again {                                    // it may have ended before it was expected
		if where, err := s.deps.Finder.Find(ctx, id); err == nil && where.Place != event.Unfinished {
			s.showEnded(w, where)
			return true
		}
	}
	where, err := wait(ctx)
	if err != nil || where.Place == event.Unfinished {
		return false
	}
	s.showEnded(w, where)
	return true
}

// showEnded answers with the prediction as it was published, or with how else the event ended.
func (s *Server) showEnded(w http.ResponseWriter, where event.Whereabouts) {
	if where.Place != event.Predicted || len(where.Prediction) == 0 {
		s.show(w, where)
		return
	}
	w.Header()["Content-Type"] = jsonType
	_, _ = w.Write(asJSON(where.Prediction)) // the caller may have gone
	_, _ = io.WriteString(w, "\n")           // as every other answer ends: curl in a terminal
}
