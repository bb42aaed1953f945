package rollout

import (
	"context"

	"betimes/internal/sagemaker"
)

// missing is the state of an endpoint that does not exist.
const missing = "Missing"

// deploy makes model, config and endpoint of an artefact, each unless it is
// there, and waits until the endpoint serves that config.
func (r *run) deploy(ctx context.Context, recipe *recipe, artefact string, exists bool) error {
	m := sagemaker.Model{Name: recipe.base, Image: recipe.image, Data: artefact, Environment: recipe.env, Role: r.Role}
	if err := r.create(ctx, func() error { return r.Control.CreateModel(ctx, m) }); err != nil {
		return err
	}
	e := r.plan.Endpoint
	c := sagemaker.EndpointConfig{Name: recipe.config, Model: recipe.base, InstanceType: e.InstanceType, Instances: e.Instances}
	if err := r.create(ctx, func() error { return r.Control.CreateEndpointConfig(ctx, c) }); err != nil {
		return err
	}
	put := r.Control.CreateEndpoint
	if exists {
		put = r.Control.UpdateEndpoint
	}
	if err := r.create(ctx, func() error { return put(ctx, r.endpoint(), recipe.config) }); err != nil {
		return err
	}
	return r.inService(ctx, recipe.config)
}

// create makes something, or finds that another process has.
func (r *run) create(ctx context.Context, call func() error) error {
	err := r.patiently(ctx, call)
	if err == nil || sagemaker.IsTaken(err) {
		return nil
	}
	return r.refused("sagemaker", err)
}

// inService waits. A deployment that was rolled back ends in service too, with
// the config from before.
func (r *run) inService(ctx context.Context, config string) error {
	state, err := r.settled(ctx)
	if err != nil {
		return err
	}
	reason := firstOf(state.Failure, "no reason was given")
	switch {
	case state.Status != "InService":
		return r.wrong("sagemaker", "endpoint %s is %s: %s", r.endpoint(), state.Status, reason)
	case state.Config != config:
		return r.wrong("sagemaker", "endpoint %s serves %s, not the new %s: %s", r.endpoint(), state.Config, config, reason)
	}
	return nil
}

// remove deletes a failed endpoint and waits until it is gone.
func (r *run) remove(ctx context.Context) error {
	if err := r.create(ctx, func() error { return r.Control.DeleteEndpoint(ctx, r.endpoint()) }); err != nil {
		return err
	}
	_, err := r.settled(ctx)
	return err
}

// settled describes the plan's endpoint until its state is one that stays.
func (r *run) settled(ctx context.Context) (sagemaker.EndpointState, error) {
	return r.settledAt(ctx, r.endpoint(), StepDeploy)
}

// settledAt describes an endpoint until its state is one that stays.
func (r *run) settledAt(ctx context.Context, endpoint string, step Step) (sagemaker.EndpointState, error) {
	last := ""
	for {
		state, err := r.describeAt(ctx, endpoint)
		if err != nil || !state.Changing() {
			return state, err
		}
		if state.Status != last {
			last = state.Status
			r.report(step, last)
		}
		if err := r.pause(ctx, endpointPoll); err != nil {
			return state, err
		}
	}
}

func (r *run) describe(ctx context.Context) (sagemaker.EndpointState, error) {
	return r.describeAt(ctx, r.endpoint())
}

func (r *run) describeAt(ctx context.Context, endpoint string) (sagemaker.EndpointState, error) {
	var state sagemaker.EndpointState
	err := r.patiently(ctx, func() (err error) {
		state, err = r.Control.DescribeEndpoint(ctx, endpoint)
		return err
	})
	if sagemaker.IsMissing(err) {
		return sagemaker.EndpointState{Status: missing}, nil
	}
	if err != nil {
		return state, r.refused("sagemaker", err)
	}
	return state, nil
}
