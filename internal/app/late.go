package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"betimes/internal/event"
	"betimes/internal/flow/admit"
	"betimes/internal/flow/feature"
	"betimes/internal/model"
)

// refused is a request for which its model was not asked, and why.
type refused struct {
	body []byte
	err  error
}

// helpOut lets one model answer for the others.
func (c *chain) helpOut(fallback string) {
	for name, m := range c.models {
		if name != fallback {
			m.fallback = c.models[fallback]
		}
	}
}

// late deals with an event that its model cannot answer in time, in this order: another
// model that can; where late events are predicted, its own model nevertheless; the
// topic shed.
func (c *chain) late(ctx context.Context, in *feature.Input, e *event.Event, m *asked, r refused) event.Ending {
	if m.fallback != nil && !e.Late(time.Now()) {
		if ending, done := c.instead(ctx, in, e, m.fallback); done {
			if m.limiter != nil {
				m.limiter.Helped()
			}
			return ending
		}
	}
	if c.sheds {
		return shed(m.name, r.err)
	}
	resp, err := m.askBy(ctx, m.direct, e, r.body)
	if err != nil {
		return m.failed(e, c.quiet(err))
	}
	return c.predicted(in, e, m, resp, "ok")
}

// instead asks another model; it says no when that one does not answer in time, or not
// at all: its failures are not the event's.
func (c *chain) instead(ctx context.Context, in *feature.Input, e *event.Event, m *asked) (event.Ending, bool) {
	body, err := m.mapper.Append(in, nil)
	if err != nil {
		return event.Ending{}, false
	}
	resp, err := m.ask(ctx, e, body)
	if err != nil {
		e.Decisions.Add("admit", "no_fallback", model.ClassOf(err).String())
		return event.Ending{}, false
	}
	e.Decisions.Add("admit", "fallback", m.name)
	ending := c.predicted(in, e, m, resp, "fallback")
	return ending, ending.Place == event.Predicted
}

// shed is the ending of an event that was refused.
func shed(name string, err error) event.Ending {
	ending := event.Ending{Place: event.Shed, Reason: event.ReasonLate, Stage: event.StageAdmit, Err: err}
	if why, is := errors.AsType[*admit.Refusal](err); is {
		ending.Reason, ending.Err = why.Reason, fmt.Errorf("model %s: %w", name, why)
		if why.Asked {
			ending.Stage = event.StageModel
		}
	}
	return ending
}
