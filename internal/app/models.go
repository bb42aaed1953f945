package app

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"betimes/internal/budget"
	"betimes/internal/config"
	"betimes/internal/flow/admit"
	"betimes/internal/flow/balance"
	"betimes/internal/flow/batch"
	"betimes/internal/flow/feature"
	"betimes/internal/model"
	"betimes/internal/oip"
	"betimes/internal/pointer"
	"betimes/internal/privacy"
	"betimes/internal/pulse"
	"betimes/internal/rest"
)

// endpoints are the pickers of one process.
type endpoints []*balance.Picker

// snapshot is what a pulse says of them.
func (e *endpoints) snapshot() []pulse.Endpoint {
	out := make([]pulse.Endpoint, 0, len(*e))
	for _, p := range *e {
		out = append(out, p.Snapshots()...)
	}
	return out
}

// buildChain makes the prediction path of this process.
func (a *App) buildChain(ctx context.Context) (*chain, *endpoints, error) {
	format, err := a.format()
	if err != nil {
		return nil, nil, err
	}
	c, err := a.buildPath(format)
	if err != nil {
		return nil, nil, err
	}
	all := &endpoints{}
	for _, name := range slices.Sorted(maps.Keys(a.config.Models)) {
		m, picker, err := a.buildAsked(ctx, name, format)
		if err != nil {
			return nil, nil, err
		}
		c.models[name] = m
		*all = append(*all, picker)
	}
	c.helpOut(a.config.Flow.Admit.Fallback)
	a.check("model", func(context.Context) error { return cmp.Or(oneAnswers(*all), c.fits()) })
	return c, all, nil
}

// oneAnswers is why no endpoint answers.
func oneAnswers(all endpoints) error {
	var first error
	for _, p := range all {
		err := p.Err()
		if err == nil {
			return nil
		}
		first = cmp.Or(first, err)
	}
	return first
}

// fits is why a model predicts no event.
func (c *chain) fits() error {
	for _, name := range slices.Sorted(maps.Keys(c.models)) {
		if err := c.models[name].trial.err(); err != nil {
			return err
		}
	}
	return nil
}

// buildPath makes what all models share.
func (a *App) buildPath(format feature.Format) (*chain, error) {
	c := &chain{models: map[string]*asked{}, words: a.config.Privacy.Show == privacy.Payloads, sheds: a.config.Flow.Admit.Late == admit.Shed}
	var err error
	if c.reader, err = feature.NewReader(format); err != nil {
		return nil, err
	}
	if c.router, err = a.router(); err != nil {
		return nil, err
	}
	predictions := a.config.Kafka.Topics.Predictions
	c.bare = predictions.Format != feature.FormatEnvelope
	if c.output, err = feature.NewOutput(predictions.Format, predictions.Headers); err != nil {
		return nil, err
	}
	if c.include, err = feature.NewInclude(predictions.Include); err != nil {
		return nil, err
	}
	if at := a.config.Flow.Gateway.EventTime; at != "" {
		if c.time, err = pointer.Parse(at); err != nil {
			return nil, fmt.Errorf("flow.gateway.event_time: %w", err)
		}
		c.timed = true
	}
	return c, nil
}

func (a *App) router() (*feature.Router, error) {
	if len(a.config.Flow.Route) > 0 {
		return feature.NewRouter(a.config.Flow.Route)
	}
	return feature.To(a.config.Flow.Model), nil
}

// buildAsked makes one model as the chain asks it.
func (a *App) buildAsked(ctx context.Context, name string, format feature.Format) (*asked, *balance.Picker, error) {
	m := a.config.Models[name]
	media := m.MediaType()
	codec, err := model.CodecOf(m.Form(), media)
	if err != nil {
		return nil, nil, fmt.Errorf("models.%s: %w", name, err)
	}
	out := &asked{name: name, contentType: media, form: m.Form(), refusedIn: m.RefusedIn(), accept: cmp.Or(m.Accept, media), codec: codec}
	if out.mapper, err = feature.New(a.config.Flow.Feature, format, codec); err != nil {
		return nil, nil, err
	}
	if m.Response != "" {
		if out.response, err = feature.NewResponse(name, m.Response); err != nil {
			return nil, nil, err
		}
	}
	picker, patience, err := a.picker(ctx, name, m)
	if err != nil {
		return nil, nil, err
	}
	out.patience = patience
	out.answeredSince, out.live = picker.AnsweredSince, a.live
	a.wrap(out, m, picker)
	out.trial = &trial{model: name, contentType: media, version: picker.Version, log: a.log}
	return out, picker, nil
}

// wrap puts before the picker of a model what the file asks for: a queue that lets
// events share calls, and before it a limiter that lets in what can be in time.
func (a *App) wrap(out *asked, m config.ModelConfig, picker *balance.Picker) {
	out.direct = picker
	if c := a.config.Flow.Batch; m.Shares() && c.MaxEvents > 1 {
		d := batch.Deps{Model: out.name, Codec: out.codec, Log: a.log, Registerer: a.metrics}
		if a.loaded.Written("flow.batch.max_events") {
			d.Budget = a.config.Objective.Latency // the usual bound is nobody's wish
		}
		out.queue = batch.New(c, picker, d)
		out.direct = out.queue
	}
	a.limit(out, picker)
}

// limit lets in only what can be in time, where the owner wants that.
func (a *App) limit(out *asked, picker *balance.Picker) {
	out.invoker = out.direct
	if c := a.config.Flow.Admit; c.Active() {
		out.limiter = admit.New(c, out.direct, admit.Deps{Model: picker.Model(), Live: a.live, Registerer: a.metrics, Capacity: picker.Capacity})
		a.limiters = append(a.limiters, out.limiter)
		out.invoker = out.limiter
	}
}

// allShare says whether events share calls of every model.
func (c *chain) allShare() bool {
	for _, m := range c.models {
		if m.queue == nil {
			return false
		}
	}
	return true
}

// picker makes what picks among the endpoints of a model. A call lasts as long as
// the most patient of them.
func (a *App) picker(ctx context.Context, name string, m config.ModelConfig) (*balance.Picker, time.Duration, error) {
	ways, patience := []way{}, budget.Call
	routes := []balance.Route{}
	for i, e := range m.Ways() {
		at, err := a.door(ctx, nameOf(name, m, i), e)
		if err != nil {
			return nil, 0, err
		}
		at.target.Preference = e.Preference()
		ways, patience = append(ways, at), max(patience, at.patience)
		routes = append(routes, balance.Route{Target: at.target, Door: at.door})
	}
	p := balance.Among(a.config.Flow.Balance, routes, balance.Deps{Log: a.log, Registerer: a.metrics, Allowance: a.allowance})
	for _, at := range ways {
		if at.follow != nil {
			at.follow(p)
		}
	}
	return p, patience, nil
}

// named is what an endpoint is called: its model, itself, and where the file has it.
type named struct {
	model, endpoint, path string
	alone                 bool // the only one of its model
}

func nameOf(model string, m config.ModelConfig, number int) named {
	e, path := m.Ways()[number], "models."+model
	switch {
	case m.Endpoints != nil:
		return named{model, e.Name, fmt.Sprintf("%s.endpoints[%d]", path, number), len(m.Endpoints) == 1}
	case e.SageMaker != nil:
		return named{model, e.SageMaker.Endpoint, path, true}
	}
	return named{model, model, path, true}
}

// way leads to one endpoint of a model.
type way struct {
	target balance.Target
	door   model.Invoker
	follow func(*balance.Picker) // lets the Picker know what the door learns; may be nil

	patience time.Duration // of one call; 0: budget.Call
}

// door opens the way to one endpoint.
func (a *App) door(ctx context.Context, n named, c config.EndpointConfig) (way, error) {
	if c.REST != nil {
		e, err := rest.New(*c.REST, rest.Deps{Name: n.endpoint, Fields: a.config.Flow.Feature.Fields, Registerer: a.metrics, Room: a.answers})
		if err != nil {
			return way{}, fmt.Errorf("%s.rest: %w", n.path, err)
		}
		a.close(e.Close)
		return way{target: balance.Target{Model: n.model, Endpoint: n.endpoint, Door: "rest", Limit: c.REST.Connections}, door: e}, nil
	}
	if c.OIP != nil {
		return a.oipDoor(ctx, n, *c.OIP)
	}
	return a.sageMakerDoor(ctx, n, *c.SageMaker)
}

// oipDoor opens the way to a model of the Open Inference Protocol. What its
// metadata say against the mapping is said before the first event.
func (a *App) oipDoor(ctx context.Context, n named, c oip.Config) (way, error) {
	e, err := oip.New(c, oip.Deps{Name: n.endpoint, Fields: a.config.Flow.Feature.Fields, Log: a.log, Registerer: a.metrics, Room: a.answers})
	if err != nil {
		return way{}, fmt.Errorf("%s.oip: %w", n.path, err)
	}
	a.close(e.Close)
	if err := e.Prepare(ctx); err != nil {
		return way{}, fmt.Errorf("%s.oip: %w", n.path, err)
	}
	a.add("model "+n.endpoint, e)
	if n.alone {
		a.check("model "+n.endpoint, func(context.Context) error { return e.Ready() })
	}
	return way{target: balance.Target{Model: n.model, Endpoint: n.endpoint, Door: "oip", Limit: c.Connections}, door: e}, nil
}
