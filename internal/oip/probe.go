package oip

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"betimes/internal/model"
)

// describe reads the metadata and compares them with the mapping. What does not
// agree is no event's fault: it counts as an endpoint that is not there.
func (e *Endpoint) describe(ctx context.Context) (*signature, error) {
	s, err := e.transport.describe(ctx)
	if err != nil {
		return nil, awaited(err)
	}
	if err := s.configured(e.config.Inputs); err != nil {
		return nil, e.fail(model.ClassNotFound, err)
	}
	if err := s.fits(e.fields); err != nil {
		return nil, e.fail(model.ClassNotFound, err)
	}
	return s, nil
}

// awaited is the error of a server that does not tell of its model: whatever the
// cause, no event is to blame.
func awaited(err error) error {
	e, is := errors.AsType[*model.Error](err)
	if !is || e.Class.OfEndpoint() {
		return err
	}
	away := *e
	away.Class = model.ClassUnavailable
	return &away
}

// Prepare reads what the model takes and says what does not agree with the
// configuration. A server that is away is no error: it is asked again.
func (e *Endpoint) Prepare(ctx context.Context) error {
	_, err := e.known.get(ctx)
	if model.ClassOf(err) != model.ClassNotFound {
		if err != nil {
			e.log.WarnContext(ctx, "model server is away, events will wait", slog.String("endpoint", e.name), slog.Any("error", err))
		}
		return nil
	}
	return fmt.Errorf("%w", errors.Unwrap(err))
}

// Run keeps the model's readiness known until ctx ends. It never fails.
func (e *Endpoint) Run(ctx context.Context) error {
	tick := time.NewTicker(e.config.Probe)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		e.probe(ctx)
	}
}

// probe asks once and logs every change. What the model takes is read again: it
// may have been replaced by one that takes something else.
func (e *Endpoint) probe(ctx context.Context) {
	call, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	err := e.transport.ready(call)
	var s *signature
	if err == nil {
		s, err = e.describe(call)
	}
	if ctx.Err() != nil {
		return
	}
	e.known.learn(s)
	now, _ := errors.AsType[*model.Error](err)
	was := e.unready.Swap(now)
	switch {
	case now != nil && was == nil:
		e.log.WarnContext(ctx, "model is not ready", slog.String("endpoint", e.name), slog.Any("error", err))
	case now == nil && was != nil:
		e.log.InfoContext(ctx, "model is ready", slog.String("endpoint", e.name))
	}
}

// Ready is why the model was not ready when it was last asked, nil when it was.
func (e *Endpoint) Ready() error {
	if err := e.unready.Load(); err != nil {
		return err
	}
	return nil
}
