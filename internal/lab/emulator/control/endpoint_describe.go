package control

import (
	"context"
	"time"

	"betimes/internal/lab/emulator/reply"
)

func (s *Service) describeEndpoint(ctx context.Context, body []byte) (any, error) {
	var r struct{ EndpointName string }
	if err := decode(body, &r); err != nil {
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
	if len(e.Variants) > 0 {
		f.with("ProductionVariants", s.describeVariants(e.Variants, e.Modified, ""))
	}
	if p := e.Pending; p != nil {
		f.with("PendingDeploymentSummary", map[string]any{"EndpointConfigName": p.Config, "StartTime": p.Started,
			"ProductionVariants": s.describeVariants(p.Variants, p.Started, creating)})
	}
	return f
}

// describeVariants writes variants; with a status they are not there yet.
func (s *Service) describeVariants(variants []served, since reply.Time, status string) []map[string]any {
	all := []map[string]any{}
	for _, v := range variants {
		m := map[string]any{
			"VariantName": v.Name, "CurrentWeight": v.Weight, "DesiredWeight": v.Weight,
			"CurrentInstanceCount": v.Count, "DesiredInstanceCount": v.Desired,
			"DeployedImages": []map[string]any{{"SpecifiedImage": v.Spec.Image, "ResolvedImage": v.Spec.Image, "ResolutionTime": since}},
		}
		if status != "" {
			m["CurrentInstanceCount"] = 0
			m["InstanceType"] = v.Spec.InstanceType
			m["VariantStatus"] = []map[string]any{{"Status": status, "StartTime": since}}
		}
		if len(v.Routing) > 0 {
			m["RoutingConfig"] = v.Routing
		}
		all = append(all, m)
	}
	return all
}

// cut keeps a reason within what the model allows.
func cut(reason string) string { return reason[:min(len(reason), 1024)] }
