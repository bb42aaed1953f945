package sagemaker

import (
	"context"
	"log/slog"
	"slices"
	"time"
)

const (
	probeEmulated = 500 * time.Millisecond
	probeAWS      = 10 * time.Second // describe calls share a low quota
	probeTimeout  = 10 * time.Second // an emulator holds its answer while a state changes
	sooner        = 4                // times as often while the endpoint changes
)

// missing is the Status of an endpoint that does not exist; the service has none for it.
const missing = "Missing"

func probeEvery(c Config, emulated bool) time.Duration {
	switch {
	case c.Probe > 0:
		return c.Probe
	case emulated:
		return probeEmulated
	}
	return probeAWS
}

// Run keeps the endpoint's state known until ctx ends. It never fails: an
// endpoint that cannot be described keeps its last state.
func (e *Endpoint) Run(ctx context.Context) error {
	failing := false
	for ctx.Err() == nil {
		failing = e.probe(ctx, failing)
		rest(ctx, e.pause())
	}
	return nil
}

// pause is shorter while the endpoint changes: until the next probe nobody knows that
// another model answers, and events may share calls that were compared with the one before.
func (e *Endpoint) pause() time.Duration {
	if e.State().Changing() {
		return e.every / sooner
	}
	return e.every
}

// probe describes once. It logs the first failure of a series and every change.
func (e *Endpoint) probe(ctx context.Context, failing bool) bool {
	call, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	state, err := e.control.DescribeEndpoint(call, e.name)
	switch {
	case ctx.Err() != nil:
		return failing
	case IsMissing(err):
		e.learn(ctx, EndpointState{Status: missing})
		return false
	case err != nil:
		if !failing {
			e.log.WarnContext(ctx, "endpoint cannot be described", slog.String("endpoint", e.name), slog.Any("error", err))
		}
		return true
	}
	e.learn(ctx, state)
	return false
}

func (e *Endpoint) learn(ctx context.Context, now EndpointState) {
	before := e.state.Swap(&now)
	was := EndpointState{}
	if before != nil {
		was = *before
	}
	if before == nil || was.Status != now.Status || was.Config != now.Config {
		e.log.InfoContext(ctx, "endpoint state", slog.String("endpoint", e.name), slog.String("region", e.service.region), slog.String("status", now.Status), slog.String("config", now.Config))
	}
	e.judge(ctx, was, now)
	if e.follow != nil && before != nil {
		e.follow(was, now)
	}
}

// judge says it when a deployment ended in service, but with another config than it
// was to bring: the service calls that a success.
func (e *Endpoint) judge(ctx context.Context, was, now EndpointState) {
	if now.Pending.Config != "" {
		e.wanted = now.Pending.Config
	}
	if now.Status != "InService" {
		return
	}
	switch {
	case e.wanted != "" && e.wanted != now.Config:
		e.log.WarnContext(ctx, "deployment was rolled back", slog.String("endpoint", e.name), slog.String("config", now.Config), slog.String("wanted", e.wanted))
	case e.wanted == "" && was.Status == "InService" && now.changedNothing(was):
		e.log.WarnContext(ctx, "deployment was rolled back, or changed nothing: it began and ended between two probes", slog.String("endpoint", e.name), slog.String("config", now.Config))
	}
	e.wanted = ""
}

// changedNothing says that an update ended since was, and all is as it was.
func (s EndpointState) changedNothing(was EndpointState) bool {
	return s.Modified > was.Modified && s.Config == was.Config && slices.EqualFunc(s.Variants, was.Variants, func(a, b VariantState) bool {
		return a.Name == b.Name && a.Desired == b.Desired && a.Weight == b.Weight
	})
}

// Follow has f called by each probe but the first, with what was and what is. It is
// called before Run.
func (e *Endpoint) Follow(f func(was, now EndpointState)) { e.follow = f }

// Instances counts those that serve.
func (s EndpointState) Instances() int {
	n := 0
	for _, v := range s.Variants {
		n += v.Current
	}
	return n
}

// State is what the last probe saw; its Status is empty before the first.
func (e *Endpoint) State() EndpointState {
	if s := e.state.Load(); s != nil {
		return *s
	}
	return EndpointState{}
}

// Up says whether the endpoint serves, as of the last probe.
func (e *Endpoint) Up() bool { return e.State().Serving() }

// Version is the endpoint's config, which changes with every new model. After a
// deployment that was rolled back it is the old one.
func (e *Endpoint) Version() string {
	if s := e.state.Load(); s != nil {
		return s.Config
	}
	return ""
}
