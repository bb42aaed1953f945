package feature

import (
	"time"

	"betimes/internal/event"

	"github.com/expr-lang/expr/types"
)

// Names that an expression knows beside fields.
const (
	nameKey        = "key"
	nameHeaders    = "headers"
	nameEventTime  = "event_time"
	nameNow        = "now"
	namePayload    = "payload"
	nameAnswer     = "answer"
	namePrediction = "prediction"
	nameSteps      = "betimes_step" // inserted by Compile, see steps
)

// Scope is what the names of an expression stand for.
type Scope uint8

// The scopes.
const (
	OverEvent      Scope = iota // the event's fields, key, headers, event_time, now, payload
	OverAnswer                  // answer and, where it is an object, its fields; key, headers, event_time, now, payload
	OverPrediction              // the fields of the envelope, headers, now and payload; no other name
)

// types gives the names of a scope with their types. Every other name is a
// field of any type, except over a prediction.
func (s Scope) types() types.Map {
	env := types.Map{
		nameHeaders: types.TypeOf(map[string]string{}), nameNow: types.TypeOf(time.Time{}), namePayload: types.Any,
		nameKey: types.String, nameEventTime: types.TypeOf(time.Time{}), nameSteps: types.TypeOf(func() bool { return true }),
	}
	switch s {
	case OverAnswer:
		env[nameAnswer] = types.Any
	case OverPrediction:
		for name, v := range envelope(&event.Prediction{}) {
			env[name] = types.TypeOf(v)
		}
		env[namePrediction] = types.Any
	}
	return env
}

// open says whether names that the scope does not list are fields.
func (s Scope) open() bool { return s != OverPrediction }

// envelope gives the fields of a prediction record as expressions see them,
// except prediction, which is decoded only when asked for.
func envelope(p *event.Prediction) map[string]any {
	stages := make(map[string]any, len(p.StagesUS))
	for name, us := range p.StagesUS {
		stages[name] = int(us)
	}
	return map[string]any{
		"id": p.ID, nameKey: p.Key, "status": p.Status, "cache": p.Cache,
		"model": map[string]string{"name": p.Model.Name, "endpoint": p.Model.Endpoint, "variant": p.Model.Variant, "version": p.Model.Version},
		"batch": p.Batch, "attempts": p.Attempts, "late": p.Late, "latency_us": int(p.LatencyUS), "stages_us": stages,
		"received": p.Received, nameEventTime: orZero(p.EventTime), "deadline": orZero(p.Deadline), "include": p.Include,
	}
}

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
