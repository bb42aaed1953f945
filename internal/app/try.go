package app

import (
	"cmp"
	"context"
	"time"

	"betimes/internal/event"
	"betimes/internal/model"
)

// Tried is what became of one event that was only tried.
type Tried struct {
	ID         string
	Input      []byte
	Model      string // that was asked
	Request    []byte // body sent to it; nil: the mapping failed
	Answer     []byte // body it gave; nil: it failed
	Prediction []byte // record's value; nil: there is none
	Ending     event.Ending
}

// Try sends events through mapping and model. Nothing is written, nothing is
// committed. A model that is served by this process is made first.
func (a *App) Try(ctx context.Context, events []*event.Event, each func(Tried)) error {
	defer a.closeAll()
	if err := a.open(); err != nil {
		return err
	}
	for _, p := range []part{partEmulator, partModels} {
		if err := p.build(a, ctx); err != nil {
			return err
		}
	}
	chain, _, err := a.buildChain(ctx)
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	return ended(a.group.Run(running, func() {
		defer stop()
		for _, e := range events {
			if running.Err() != nil {
				return
			}
			each(chain.try(running, e))
		}
	}))
}

// try makes one attempt at an event and keeps what was said on the way.
func (c *chain) try(ctx context.Context, e *event.Event) Tried {
	e.ID = cmp.Or(e.OwnID(), e.ID)
	out := Tried{ID: e.ID, Input: e.Value}
	e.Received = time.Now()
	e.Timeline.Start(e.Received)
	e.Attempts = 1
	over := &chain{reader: c.reader, router: c.router, output: c.output, include: c.include, timed: c.timed, time: c.time, words: true, bare: c.bare, models: map[string]*asked{}}
	for name, m := range c.models {
		heard := *m
		heard.invoker, heard.fallback = &hearing{m.direct, &out, name}, nil
		over.models[name] = &heard
	}
	out.Ending = over.work(ctx, e)
	if out.Ending.Place == event.Predicted {
		out.Prediction = out.Ending.Value
	}
	return out
}

// hearing keeps what is asked and answered.
type hearing struct {
	inner model.Invoker
	out   *Tried
	name  string
}

// Invoke asks and listens.
func (h *hearing) Invoke(ctx context.Context, r *model.Request) (*model.Response, error) {
	h.out.Model, h.out.Request = h.name, r.Items[0].Body
	resp, err := h.inner.Invoke(ctx, r)
	if err == nil {
		h.out.Answer = resp.Answers[0].Body
	}
	return resp, err
}
