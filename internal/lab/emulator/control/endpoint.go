package control

import (
	"context"
	"encoding/json"
	"strings"

	"betimes/internal/lab/emulator/fleet"
	"betimes/internal/lab/emulator/reply"
)

// The states of an endpoint.
const (
	creating    = "Creating"
	inService   = "InService"
	updating    = "Updating"
	rollingBack = "RollingBack"
	failed      = "Failed"
	deleting    = "Deleting"
	deleted     = "Deleted" // seen only by who still holds it

	rollbackFailed = "UpdateRollbackFailed" // in service with a mix of two fleets
)

// endpoint is what must last about an endpoint, and its instances.
type endpoint struct {
	record
	Status         string          `json:"status"`
	Config         string          `json:"config"`
	FailureReason  string          `json:"failure_reason,omitempty"`
	Variants       []served        `json:"variants"`          // in service, or being created
	Pending        *pending        `json:"pending,omitempty"` // while Creating or Updating
	LastDeployment json.RawMessage `json:"last_deployment,omitempty"`
	Metrics        json.RawMessage `json:"metrics,omitempty"` // MetricsConfig of the config in service
	Async          json.RawMessage `json:"async,omitempty"`   // AsyncInferenceConfig, likewise

	fleets  map[string][]*fleet.Instance // by variant
	front   *front                       // the new fleet of a deployment; nil: none
	phases  map[string]phase             // by variant, while counts or weights change
	changed chan struct{}                // closed at the next change of Status
	absent  bool                         // its instances of before the start of the emulator are not back yet
}

func (e *endpoint) status() string { return e.Status }

// served is a variant with all that is needed to start it again: configs and
// models may be deleted while the endpoint lives.
type served struct {
	Name     string          `json:"name"`
	Spec     fleet.Spec      `json:"spec"`
	Weight   float64         `json:"weight"`
	Count    int             `json:"count"`
	Desired  int             `json:"desired"`
	Strategy string          `json:"strategy,omitempty"`
	Routing  json.RawMessage `json:"routing,omitempty"`
	Scaling  json.RawMessage `json:"scaling,omitempty"`  // ManagedInstanceScaling: given back
	Reserved json.RawMessage `json:"reserved,omitempty"` // CapacityReservationConfig: given back
	Shadow   bool            `json:"shadow,omitempty"`   // gets copies of the calls; Weight is against the production variant's
}

// pending is a deployment under way.
type pending struct {
	Config   string          `json:"config"`
	Started  reply.Time      `json:"started"`
	Variants []served        `json:"variants"`
	Metrics  json.RawMessage `json:"metrics,omitempty"`
	Async    json.RawMessage `json:"async,omitempty"`

	phases map[string]phase // by variant
}

func (s *Service) pending(c *endpointConfig, plan []served) *pending {
	return &pending{Config: c.Name, Started: s.now(), Variants: plan, Metrics: c.Request["MetricsConfig"], Async: c.Request["AsyncInferenceConfig"]}
}

// phase is a VariantStatus.
type phase struct {
	Status        string     `json:"Status"`
	StatusMessage string     `json:"StatusMessage,omitempty"`
	StartTime     reply.Time `json:"StartTime"`
}

// busy says whether the state ends by itself.
func (e *endpoint) busy() bool {
	return e.Status == creating || e.Status == updating || e.Status == rollingBack || e.Status == deleting
}

// plan resolves a config into what to start; s.mu is held.
func (s *Service) plan(endpointName string, c *endpointConfig) ([]served, error) {
	plan := []served{}
	for _, member := range []string{productionVariants, shadowVariants} {
		var raw []fields
		_ = json.Unmarshal(c.Request[member], &raw) // was decoded at create
		for i, v := range c.variants(member) {
			m, ok := s.models.get(v.ModelName)
			if !ok {
				return nil, reply.Validation("Could not find model %q.", s.arn("model", v.ModelName))
			}
			sv := v.served(endpointName, m)
			sv.Routing, sv.Scaling, sv.Reserved = raw[i]["RoutingConfig"], raw[i]["ManagedInstanceScaling"], raw[i]["CapacityReservationConfig"]
			sv.Shadow = member == shadowVariants
			plan = append(plan, sv)
		}
	}
	return plan, nil
}

// served is what a variant runs.
func (v *variant) served(endpointName string, m *model) served {
	spec := fleet.Spec{Endpoint: endpointName, Variant: v.VariantName, InstanceType: v.InstanceType}
	m.run(&spec)
	if t := v.ContainerStartupHealthCheckTimeoutInSeconds; t != nil {
		spec.StartupSeconds = *t
	}
	sv := served{Name: v.VariantName, Spec: spec, Weight: v.weight(), Count: v.count(), Desired: v.count(), Strategy: "RANDOM"}
	if v.RoutingConfig != nil {
		sv.Strategy = v.RoutingConfig.RoutingStrategy
	}
	return sv
}

func (s *Service) createEndpoint(_ context.Context, body []byte) (any, error) {
	var r endpointRequest
	if err := reply.Decode(body, &r); err != nil {
		return nil, err
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, other := range s.endpoints.all {
		if strings.EqualFold(name, r.EndpointName) {
			return nil, reply.Validation("Cannot create already existing endpoint %q.", other.ARN)
		}
	}
	c, err := s.config(r.EndpointConfigName)
	if err != nil {
		return nil, err
	}
	plan, err := s.plan(r.EndpointName, c)
	if err != nil {
		return nil, err
	}
	if err := s.allowed(plan, nil); err != nil {
		return nil, err
	}
	e := &endpoint{record: s.record("endpoint", r.EndpointName, body), Status: creating, Config: c.Name, LastDeployment: r.DeploymentConfig,
		Pending: s.pending(c, plan), changed: make(chan struct{})}
	if err := s.endpoints.put(e); err != nil {
		return nil, err
	}
	if err := s.tag(e.ARN, r.Tags); err != nil {
		return nil, err
	}
	s.noteState("endpoint", e.Name, creating, "")
	s.work(func(l *life) { s.deploy(l, e) })
	s.Inference.Greet(routedAsync(e.Pending.Async))
	return map[string]string{"EndpointArn": e.ARN}, nil
}

// find gives the endpoint that a request names; s.mu is held.
func (s *Service) find(name string) (*endpoint, error) {
	var c reply.Checks
	if c.Text("endpointName", name, 63, entityName); c.Err() != nil {
		return nil, c.Err()
	}
	e, ok := s.endpoints.get(name)
	if !ok {
		return nil, reply.Validation("Could not find endpoint %q.", s.arn("endpoint", name))
	}
	return e, nil
}

// idle is find for what must not be under way.
func (s *Service) idle(name string) (*endpoint, error) {
	e, err := s.find(name)
	if err == nil && e.busy() {
		return nil, reply.Validation("Cannot update in-progress endpoint %q.", e.ARN)
	}
	return e, err
}

func (s *Service) listEndpoints(_ context.Context, body []byte) (any, error) {
	return list(s, body, s.endpoints, descending, "Endpoints", func(e *endpoint) map[string]any {
		return map[string]any{"EndpointName": e.Name, "EndpointArn": e.ARN, "CreationTime": e.Created, "LastModifiedTime": e.Modified, "EndpointStatus": e.Status}
	})
}

func (s *Service) deleteEndpoint(_ context.Context, body []byte) (any, error) {
	var r struct{ EndpointName string }
	if err := reply.Decode(body, &r); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.idle(r.EndpointName)
	if err != nil {
		return nil, err
	}
	if err := s.enter(e, deleting, ""); err != nil {
		return nil, err
	}
	s.Inference.Publish(e.Name, nil)
	s.work(func(l *life) { s.remove(l, e) })
	return struct{}{}, nil
}
