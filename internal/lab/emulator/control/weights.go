package control

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"betimes/internal/lab/emulator/fleet"
	"betimes/internal/lab/emulator/injection"
	"betimes/internal/lab/emulator/reply"
)

type weightsRequest struct {
	EndpointName                string
	DesiredWeightsAndCapacities []struct {
		VariantName            string
		DesiredWeight          *float64
		DesiredInstanceCount   *int
		ServerlessUpdateConfig json.RawMessage
	}
}

func (r *weightsRequest) check() error {
	var c reply.Checks
	c.Text("endpointName", r.EndpointName, 63, entityName)
	c.Length("desiredWeightsAndCapacities", len(r.DesiredWeightsAndCapacities), 1, 100)
	for i, d := range r.DesiredWeightsAndCapacities {
		at := fmt.Sprintf("desiredWeightsAndCapacities.%d.member.", i+1)
		c.Text(at+"variantName", d.VariantName, 63, entityName)
		c.Between(at+"desiredInstanceCount", d.DesiredInstanceCount, 0, 10000)
		if d.DesiredWeight != nil && *d.DesiredWeight < 0 {
			c.Add(*d.DesiredWeight, at+"desiredWeight", "Member must have value greater than or equal to 0")
		}
		if d.ServerlessUpdateConfig != nil {
			return notBuilt("ServerlessUpdateConfig")
		}
	}
	return c.Err()
}

// updateWeights is UpdateEndpointWeightsAndCapacities: weights hold at once, counts after a provisioning delay.
func (s *Service) updateWeights(_ context.Context, body []byte) (any, error) {
	var r weightsRequest
	if err := reply.Decode(body, &r); err != nil {
		return nil, err
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.updatable(r.EndpointName)
	if err != nil {
		return nil, err
	}
	next := append([]served(nil), e.Variants...)
	for _, d := range r.DesiredWeightsAndCapacities {
		v := named(next, d.VariantName)
		switch {
		case v == nil:
			return nil, reply.Validation("The variant name(s) %q is/are not present within endpoint configuration %q.", d.VariantName, e.Config)
		case d.DesiredInstanceCount != nil && *d.DesiredInstanceCount == 0 && len(e.Async) == 0:
			return nil, reply.Validation("Instance count of variant %q cannot be 0.", d.VariantName)
		}
		if d.DesiredWeight != nil {
			v.Weight = *d.DesiredWeight
		}
		if d.DesiredInstanceCount != nil {
			v.Desired = *d.DesiredInstanceCount
		}
	}
	if err := s.allowed(next, e.Variants); err != nil {
		return nil, err
	}
	e.Variants = next
	s.publish(e)
	if err := s.enter(e, updating, ""); err != nil {
		return nil, err
	}
	e.phases = s.resizing(next)
	s.work(func(l *life) { s.resize(l, e) })
	s.Inference.Greet(routedAsync(e.Async))
	return map[string]string{"EndpointArn": e.ARN}, nil
}

// resizing is what is done to variants whose count changes.
func (s *Service) resizing(variants []served) map[string]phase {
	phases := map[string]phase{}
	for _, v := range variants {
		switch {
		case v.Desired > v.Count:
			phases[v.Name] = phase{updating, fmt.Sprintf("Scaling out desired instance count to %d.", v.Desired), s.now()}
		case v.Desired < v.Count:
			phases[v.Name] = phase{updating, fmt.Sprintf("Scaling in desired instance count to %d.", v.Desired), s.now()}
		}
	}
	return phases
}

// change is a new set of fleets for an endpoint.
type change struct {
	variants        []served
	fleets, leaving map[string][]*fleet.Instance
}

// resize starts and stops instances until every variant has what it wants.
func (s *Service) resize(l *life, e *endpoint) {
	s.mu.Lock()
	c := change{append([]served(nil), e.Variants...), map[string][]*fleet.Instance{}, map[string][]*fleet.Instance{}}
	have := e.fleets
	s.mu.Unlock()
	err := s.Clock.Sleep(l, s.delayOf(c.variants, have))
	if err == nil {
		err = s.noMachines(e, c.variants, have)
	}
	for i := range c.variants {
		if failure := s.fit(l, &c, &c.variants[i], have, err); err == nil {
			err = failure
		}
	}
	s.resized(l, e, c, err)
}

// fit gives one variant the instances it wants; after a failure, those it has.
func (s *Service) fit(l *life, c *change, v *served, have map[string][]*fleet.Instance, failed error) error {
	now := have[v.Name]
	c.fleets[v.Name] = now
	var err error
	switch {
	case failed != nil:
	case v.Desired < len(now):
		c.fleets[v.Name], c.leaving[v.Name] = now[:v.Desired:v.Desired], now[v.Desired:]
	case v.Desired > len(now):
		var more []*fleet.Instance
		more, err = s.Launcher.Launch(l, v.Spec, len(now)+1, v.Desired-len(now))
		c.fleets[v.Name] = append(now[:len(now):len(now)], more...)
	}
	v.Count = len(c.fleets[v.Name])
	return err
}

// noMachines is a lack of capacity that somebody asked for, or nil.
func (s *Service) noMachines(e *endpoint, variants []served, have map[string][]*fleet.Instance) error {
	for _, v := range variants {
		if v.Desired <= len(have[v.Name]) {
			continue
		}
		w := injection.Where{Operation: "UpdateEndpointWeightsAndCapacities", Endpoint: e.Name, Variant: v.Name}
		switch f := s.faultAt(w, injection.Capacity, injection.Health); {
		case f == nil:
		case f.Fault == injection.Health:
			return variantError(v.Name, fleet.ErrHealth)
		default:
			return errCapacity
		}
	}
	return nil
}

// delayOf is a provisioning delay when instances are added, else nothing.
func (s *Service) delayOf(variants []served, have map[string][]*fleet.Instance) time.Duration {
	for _, v := range variants {
		if v.Desired > len(have[v.Name]) {
			return s.Pace.Provision()
		}
	}
	return 0
}

func (s *Service) resized(l *life, e *endpoint, c change, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.Err() != nil { // a restart starts what is desired
		return
	}
	reason := ""
	if err != nil {
		reason = err.Error()
		for i := range c.variants {
			c.variants[i].Desired = c.variants[i].Count
		}
	}
	e.Variants, e.fleets = c.variants, c.fleets
	s.publish(e)
	s.must("endpoint", e.Name, s.enter(e, inService, reason))
	s.retire(c.leaving)
}
