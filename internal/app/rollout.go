package app

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	"betimes/internal/lab/loadgen/payments"
	"betimes/internal/steer/rollout"
)

// rollouts is the room that brings every model into service that this process
// may make, before the stream asks one.
type rollouts struct {
	app   *App
	names []string
	ready chan struct{}
}

// buildModels adds the room that trains and deploys what has no endpoint yet.
func (a *App) buildModels(context.Context) error {
	r := &rollouts{app: a, ready: make(chan struct{})}
	for _, name := range slices.Sorted(maps.Keys(a.config.Models)) {
		if m := a.config.Models[name]; m.SageMaker != nil && (m.Embedded() || m.Train != nil) {
			r.names = append(r.names, name)
		}
	}
	a.add("models", r)
	return nil
}

// Ready is closed when every model is in service.
func (r *rollouts) Ready() <-chan struct{} { return r.ready }

// Run brings the models into service, then waits.
func (r *rollouts) Run(ctx context.Context) error {
	for _, name := range r.names {
		if err := r.ensure(ctx, name); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
	close(r.ready)
	<-ctx.Done()
	return nil
}

func (r *rollouts) ensure(ctx context.Context, name string) error {
	d, p, done, err := r.app.rollout(ctx, name)
	if err != nil {
		return err
	}
	defer done()
	return rollout.Ensure(ctx, d, p)
}

// rollout gives what a model is brought into service with. done closes it.
func (a *App) rollout(ctx context.Context, name string) (d rollout.Deps, p rollout.Plan, done func(), err error) {
	m := a.config.Models[name]
	account, err := a.openAccount(ctx)
	if err != nil {
		return d, p, nil, err
	}
	control, err := account.Control(*m.SageMaker)
	if err != nil {
		return d, p, nil, fmt.Errorf("models.%s.sagemaker: %w", name, err)
	}
	objects, err := account.Objects(*m.SageMaker)
	if err != nil {
		control.Close()
		return d, p, nil, fmt.Errorf("models.%s.sagemaker: %w", name, err)
	}
	logs, err := account.Logs(*m.SageMaker)
	if err != nil {
		control.Close()
		objects.Close()
		return d, p, nil, fmt.Errorf("models.%s.sagemaker: %w", name, err)
	}
	d = rollout.Deps{
		Control: control, Objects: objects, Logs: logs, Role: account.Role(), Bucket: account.Bucket(), Log: a.log, Builtin: builtin,
		Progress: a.rolloutProgress(), Allow: a.allow,
	}
	p = rollout.Plan{
		Pipeline: a.config.Name, Model: name, Endpoint: *m.SageMaker, Train: m.Train, Serve: m.Serve, Fields: a.config.Flow.Feature.Fields,
		ContentType: m.MediaType(), Accept: m.Accept,
	}
	return d, p, func() { logs.Close(); objects.Close(); control.Close() }, nil
}

// NeedsYes is the error of what is only done when the user said so.
type NeedsYes struct{ What string }

// Error says what would be done.
func (e *NeedsYes) Error() string { return "this would " + e.What + "; add --yes to do it" }

// allow refuses what costs money unless the user said yes.
func (a *App) allow(what string) error {
	if a.options.Yes {
		return nil
	}
	return &NeedsYes{what}
}

// rolloutProgress tells each step once.
func (a *App) rolloutProgress() func(rollout.Progress) {
	last := ""
	return func(p rollout.Progress) {
		text := fmt.Sprintf("model %s: %s %s", p.Model, p.Step, p.Detail)
		if text != last {
			a.options.Progress(fmt.Sprintf("%s (%.1f s)", text, p.Since.Seconds()), p.Passes)
		}
		last = text
	}
}

// builtin gives the training data that comes with the program.
func builtin(name string) ([]byte, error) {
	if name != "payments" {
		return nil, fmt.Errorf("builtin:%s is not known; builtin:payments is", name)
	}
	var b bytes.Buffer
	err := payments.WriteCSV(&b, builtinRows, builtinSeed)
	return b.Bytes(), err
}

// The same rows as examples/payments-train.csv.
const (
	builtinRows = 20_000
	builtinSeed = 2026
)
