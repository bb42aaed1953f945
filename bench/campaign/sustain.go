package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"betimes/internal/lab/loadgen"
)

// sustain runs a minute of steady load thrice: up with a stub, V1 as it is, the
// role stream alone.
func sustain(ctx context.Context, o options, r *report) error {
	for _, one := range []struct {
		name string
		run  func(context.Context, options, *report) error
	}{{"rest", sustainRest}, {"memory", sustainV1}, {"stream", sustainStream}} {
		if o.only != "" && o.only != one.name {
			continue
		}
		o.progress("%s: %g events/s for %s", one.name, or(o.rate, 500), o.length)
		if err := one.run(ctx, o, r); err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
	}
	return nil
}

// sustainRest is up with a model server of ours behind the rest door.
func sustainRest(ctx context.Context, o options, r *report) error {
	model, err := newStub(serviceTime, serviceTime)
	if err != nil {
		return err
	}
	defer model.close()
	g, err := o.ground("sustain")
	if err != nil {
		return err
	}
	g.Model = model.url
	return o.sustainUp(ctx, g, "up, rest door, stub of 5 ms", model, r)
}

// sustainV1 is up as a newcomer starts it: it trains, deploys and serves.
func sustainV1(ctx context.Context, o options, r *report) error {
	g, err := o.ground("v1")
	if err != nil {
		return err
	}
	return o.sustainUp(ctx, g, "up, V1 with its own emulator", nil, r)
}

func (o options) sustainUp(ctx context.Context, g *ground, what string, model *stub, r *report) error {
	file, err := g.write("sustain.yaml")
	if err != nil {
		return err
	}
	p, err := o.start("up", file)
	if err != nil {
		return err
	}
	defer p.clear()
	if _, err := p.await(ctx); err != nil {
		return err
	}
	sender, err := loadgen.NewGateway("http://"+g.Gateway, "")
	if err != nil {
		return err
	}
	defer sender.Close()
	s, err := o.drive(ctx, g, sender, "gateway")
	if err != nil {
		return err
	}
	s.what, s.peak, s.memory = what, p.peak(), promisedUp
	if err := s.finish(p, model, r); err != nil {
		return err
	}
	return nil
}

// sustainStream is the role stream alone; brokers, load and model are elsewhere.
func sustainStream(ctx context.Context, o options, r *report) error {
	model, err := newStub(serviceTime, serviceTime)
	if err != nil {
		return err
	}
	defer model.close()
	g, brokers, err := o.apart(ctx, "alone")
	if err != nil {
		return err
	}
	defer brokers.clear()
	p, err := o.attach(g, model.url)
	if err != nil {
		return err
	}
	defer p.clear()
	if err := assigned(ctx, p, g.Admin); err != nil {
		return err
	}
	cluster, err := g.open()
	if err != nil {
		return err
	}
	defer cluster.Close()
	producer, err := cluster.NewProducer("load")
	if err != nil {
		return err
	}
	defer producer.Close()
	s, err := o.drive(ctx, g, loadgen.NewBrokers(producer, topicEvents), "kafka")
	if err != nil {
		return err
	}
	s.what, s.peak, s.memory = "stream alone, rest door, stub of 5 ms", p.peak(), promisedAlone
	return s.finish(p, model, r)
}

// assigned waits until the role says that it has its partitions.
func assigned(ctx context.Context, p *process, admin string) error {
	if _, err := p.await(ctx); err != nil {
		return err
	}
	for {
		answer, err := http.Get("http://" + admin + "/readyz")
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		if time.Since(p.started) > readyIn {
			return fmt.Errorf("%s is not ready within %s (%v)", p.role, readyIn, err)
		}
		if err := pause(ctx, lookEvery); err != nil {
			return err
		}
	}
}
