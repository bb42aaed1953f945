package app

import (
	"context"
	"fmt"
	"time"

	"betimes/internal/flow/balance"
	"betimes/internal/lifecycle"
	"betimes/internal/model"
	"betimes/internal/sagemaker"
)

// openAccount reads the credential chain, once per process.
func (a *App) openAccount(ctx context.Context) (*sagemaker.Account, error) {
	if a.account != nil {
		return a.account, nil
	}
	account, err := sagemaker.NewAccount(ctx, a.config.AWS, sagemaker.Deps{Log: a.log, Registerer: a.metrics, Emulator: a.emulated, Room: a.answers})
	if err != nil {
		return nil, fmt.Errorf("aws: %w", err)
	}
	a.account = account
	return account, nil
}

// sageMakerDoor opens the way to one SageMaker endpoint, whose state is watched.
func (a *App) sageMakerDoor(ctx context.Context, n named, c sagemaker.Config) (way, error) {
	account, err := a.openAccount(ctx)
	if err != nil {
		return way{}, err
	}
	e, err := openEndpoint(account, c)
	if err != nil {
		return way{}, fmt.Errorf("%s.sagemaker: %w", n.path, err)
	}
	a.close(e.Close)
	a.add("endpoint "+n.endpoint, e)
	return way{
		target: balance.Target{Model: n.model, Endpoint: n.endpoint, Door: "sagemaker", Variant: c.Variant, Limit: c.Connections},
		door:   e, patience: e.Patience(), follow: func(p *balance.Picker) { e.Follow(a.followed(n.endpoint, p)) },
	}, nil
}

// sageMakerEndpoint is one, however it is asked.
type sageMakerEndpoint interface {
	model.Invoker
	lifecycle.Runner
	Patience() time.Duration
	Follow(func(was, now sagemaker.EndpointState))
	Close()
}

func openEndpoint(account *sagemaker.Account, c sagemaker.Config) (sageMakerEndpoint, error) {
	if c.Async != nil {
		return account.Async(c)
	}
	return account.Endpoint(c)
}

// followed tells the Picker of other instances, and the pulse of every change.
func (a *App) followed(name string, p *balance.Picker) func(was, now sagemaker.EndpointState) {
	return func(was, now sagemaker.EndpointState) {
		p.Scaled(name, was.Instances(), now.Instances())
		if was.Status != now.Status || was.Config != now.Config {
			a.change("endpoint", fmt.Sprintf("%s: %s with %s, was %s with %s", name, now.Status, now.Config, was.Status, was.Config))
		}
	}
}
