package control

import (
	"context"

	"betimes/internal/lab/emulator/reply"
)

func (s *Service) updateEndpoint(_ context.Context, body []byte) (any, error) {
	var r endpointRequest
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
	next, err := s.successor(e, &r)
	if err != nil {
		return nil, err
	}
	e.Pending = next
	if !r.RetainDeploymentConfig {
		e.LastDeployment = r.DeploymentConfig
	}
	if err := s.enter(e, updating, ""); err != nil {
		return nil, err
	}
	s.work(func(l *life) { s.deploy(l, e) })
	s.Inference.Greet(routedAsync(e.Pending.Async))
	return map[string]string{"EndpointArn": e.ARN}, nil
}

// successor is what an update deploys, when it may; s.mu is held.
func (s *Service) successor(e *endpoint, r *endpointRequest) (*pending, error) {
	c, err := s.config(r.EndpointConfigName)
	if err != nil {
		return nil, err
	}
	plan, err := s.plan(e.Name, c)
	if err != nil {
		return nil, err
	}
	if r.RetainAllVariantProperties {
		r.retain(plan, e.Variants)
	}
	if err := s.scaledStay(e, plan); err != nil {
		return nil, err
	}
	if err := s.allowed(plan, nil); err != nil { // the new fleet stands beside the old one
		return nil, err
	}
	raw := r.DeploymentConfig
	if r.RetainDeploymentConfig {
		raw = e.LastDeployment
	}
	d, err := readDeployment(raw)
	if err != nil {
		return nil, err
	}
	if err := s.alarmsExist(d); err != nil {
		return nil, err
	}
	return s.pending(c, plan), d.fits(plan)
}

// alarmsExist refuses a deployment that nobody would watch.
func (s *Service) alarmsExist(d *deployment) error {
	for _, name := range d.alarms() {
		if s.Alarms == nil {
			return notBuilt("DeploymentConfig.AutoRollbackConfiguration.Alarms")
		}
		if _, known := s.Alarms.StateOf(name); !known {
			return reply.Validation("Could not find CloudWatch alarm %q of AutoRollbackConfiguration.", name)
		}
	}
	return nil
}

// scaledStay refuses to take a variant away from Application Auto Scaling.
func (s *Service) scaledStay(e *endpoint, plan []served) error {
	for _, v := range e.Variants {
		next := named(plan, v.Name)
		if s.Scaling == nil || next != nil && next.Spec.InstanceType == v.Spec.InstanceType || !s.Scaling.Registered(e.Name, v.Name) {
			continue
		}
		return reply.Validation("Variant %q of endpoint %q is registered as a scalable target; deregister it before you remove it or change its instance type.", v.Name, e.ARN)
	}
	return nil
}

// updatable is an endpoint that serves and is not under way; s.mu is held.
func (s *Service) updatable(name string) (*endpoint, error) {
	e, err := s.idle(name)
	if err == nil && e.absent {
		return nil, reply.Validation("Cannot update in-progress endpoint %q.", e.ARN)
	}
	if err == nil && e.Status != inService {
		return nil, reply.Validation("Cannot update endpoint %q in status %s.", e.ARN, e.Status)
	}
	return e, err
}

// retain keeps counts and weights of variants that go on, as far as not excluded.
func (r *endpointRequest) retain(plan, old []served) {
	excluded := map[string]bool{}
	for _, x := range r.ExcludeRetained {
		excluded[x.VariantPropertyType] = true
	}
	for i := range plan {
		for _, o := range old {
			if o.Name != plan[i].Name {
				continue
			}
			if !excluded["DesiredInstanceCount"] {
				plan[i].Count, plan[i].Desired = o.Desired, o.Desired
			}
			if !excluded["DesiredWeight"] {
				plan[i].Weight = o.Weight
			}
		}
	}
}

func named(variants []served, name string) *served {
	for i := range variants {
		if variants[i].Name == name {
			return &variants[i]
		}
	}
	return nil
}
