package control

import (
	"context"
	"encoding/json"
	"time"

	"betimes/internal/lab/emulator/fleet"
	"betimes/internal/lab/emulator/reply"
)

func (s *Service) describeEndpoint(ctx context.Context, body []byte) (any, error) {
	var r struct{ EndpointName string }
	if err := reply.Decode(body, &r); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.find(r.EndpointName)
	if err == nil && e.busy() {
		s.hold(ctx, func() <-chan struct{} { return e.changed }, e.busy)
		e, err = s.find(r.EndpointName)
	}
	if err != nil {
		return nil, err
	}
	return s.describe(e), nil
}

// hold waits, without s.mu, while busy and no longer than Pace.Hold, so that a
// waiter that would sleep 30 s sees the end of what takes two.
func (s *Service) hold(ctx context.Context, changed func() <-chan struct{}, busy func() bool) {
	if s.Pace.Hold <= 0 {
		return
	}
	over := time.NewTimer(s.Pace.Hold)
	defer over.Stop()
	for busy() {
		change, ended := changed(), s.life.Done()
		s.mu.Unlock()
		done := false
		select {
		case <-change:
		case <-over.C:
			done = true
		case <-ctx.Done():
			done = true
		case <-ended:
			done = true
		}
		s.mu.Lock()
		if done {
			return
		}
	}
}

func (s *Service) describe(e *endpoint) fields {
	f := fields{}
	f.with("EndpointName", e.Name).with("EndpointArn", e.ARN).with("EndpointConfigName", e.Config).with("EndpointStatus", e.Status)
	f.with("CreationTime", e.Created).with("LastModifiedTime", e.Modified)
	if e.FailureReason != "" {
		f.with("FailureReason", cut(e.FailureReason))
	}
	if len(e.LastDeployment) > 0 {
		f.with("LastDeploymentConfig", e.LastDeployment)
	}
	if len(e.Metrics) > 0 {
		f.with("MetricsConfig", e.Metrics)
	}
	if len(e.Async) > 0 {
		f.with("AsyncInferenceConfig", e.Async)
	}
	for member, v := range kinds(e.Variants) {
		f.with(member, describeVariants(v, e.Modified, e.phases))
	}
	if p := e.Pending; p != nil {
		next := map[string]any{"EndpointConfigName": p.Config, "StartTime": p.Started}
		for member, v := range kinds(p.Variants) {
			next[member] = p.describe(v, e.front)
		}
		f.with("PendingDeploymentSummary", next)
	}
	return f
}

// kinds are the variants by the member that shows them.
func kinds(variants []served) map[string][]served {
	all := map[string][]served{}
	for _, v := range variants {
		member := productionVariants
		if v.Shadow {
			member = shadowVariants
		}
		all[member] = append(all[member], v)
	}
	return all
}

// describe writes the variants of a deployment; those that run are counted.
func (p *pending) describe(variants []served, f *front) []map[string]any {
	all := describeVariants(variants, p.Started, p.phases)
	for i, v := range variants {
		all[i]["CurrentInstanceCount"], all[i]["InstanceType"] = 0, v.Spec.InstanceType
		if f != nil {
			all[i]["CurrentInstanceCount"] = len(f.running[v.Name])
		}
		if len(p.phases) == 0 {
			all[i]["VariantStatus"] = []phase{{Status: creating, StartTime: p.Started}}
		}
	}
	return all
}

// describeVariants writes variants and what is done to them.
func describeVariants(variants []served, since reply.Time, phases map[string]phase) []map[string]any {
	all := []map[string]any{}
	for _, v := range variants {
		m := map[string]any{
			"VariantName": v.Name, "CurrentWeight": v.Weight, "DesiredWeight": v.Weight,
			"CurrentInstanceCount": v.Count, "DesiredInstanceCount": v.Desired,
			"DeployedImages": v.images(since),
		}
		if p, busy := phases[v.Name]; busy {
			m["VariantStatus"] = []phase{p}
		}
		for member, raw := range map[string]json.RawMessage{"RoutingConfig": v.Routing, "ManagedInstanceScaling": v.Scaling, "CapacityReservationConfig": v.Reserved} {
			if len(raw) > 0 {
				m[member] = raw
			}
		}
		all = append(all, m)
	}
	return all
}

// images are those of all containers.
func (v *served) images(since reply.Time) []map[string]any {
	all := []map[string]any{}
	for _, p := range append([]fleet.Part{{Image: v.Spec.Image}}, v.Spec.More...) {
		all = append(all, map[string]any{"SpecifiedImage": p.Image, "ResolvedImage": p.Image, "ResolutionTime": since})
	}
	return all
}

// cut keeps a reason within what the model allows.
func cut(reason string) string { return reason[:min(len(reason), 1024)] }
