package scaling

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"betimes/internal/lab/emulator/reply"
)

// The kinds of policies.
const (
	stepScaling    = "StepScaling"
	targetTracking = "TargetTrackingScaling"
	predictive     = "PredictiveScaling"
)

// policy says when and how a target changes.
type policy struct {
	place
	Name     string          `json:"name"`
	ARN      string          `json:"arn"`
	Type     string          `json:"type"`
	Step     *stepConfig     `json:"step,omitempty"`
	Tracking *trackingConfig `json:"tracking,omitempty"`
	Sent     json.RawMessage `json:"sent"` // the configuration as it was given
	Alarms   []alarm         `json:"alarms"`
	Created  reply.Time      `json:"created"`
}

// alarm is one that target tracking made.
type alarm struct {
	AlarmName string
	AlarmARN  string
}

type policyRequest struct {
	place
	PolicyName string
	PolicyType string
	Step       json.RawMessage `json:"StepScalingPolicyConfiguration"`
	Tracking   json.RawMessage `json:"TargetTrackingScalingPolicyConfiguration"`
	Predictive json.RawMessage `json:"PredictiveScalingPolicyConfiguration"`
}

func (r *policyRequest) check() error {
	var c reply.Checks
	c.Text("policyName", r.PolicyName, 256, nil)
	c.OptionalEnum("policyType", r.PolicyType, stepScaling, targetTracking, predictive)
	if err := r.place.check(&c); err != nil {
		return err
	}
	if r.PolicyType == predictive || r.Predictive != nil {
		return invalid("Predictive scaling is not supported for service namespace %s.", r.ServiceNamespace)
	}
	return nil
}

// putPolicy is PutScalingPolicy: a new policy, or another configuration of one.
func (s *Service) putPolicy(body []byte) (any, error) {
	var r policyRequest
	if err := read(body, &r); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.registered(r.place); err != nil {
		return nil, err
	}
	p, err := s.policyFor(&r)
	if err != nil {
		return nil, err
	}
	if err := p.configure(&r); err != nil {
		return nil, err
	}
	if err := s.putAlarms(p); err != nil {
		return nil, err
	}
	if err := s.Store.Put(policyKind, p.ARN, p); err != nil {
		return nil, err
	}
	s.policies[p.ARN] = p
	return map[string]any{"PolicyARN": p.ARN, "Alarms": p.Alarms}, nil
}

// policyFor is a copy of the policy of that name, or a new one; s.mu is held.
func (s *Service) policyFor(r *policyRequest) (*policy, error) {
	of := 0
	for _, p := range s.policies {
		if p.key() != r.key() {
			continue
		}
		of++
		if p.Name != r.PolicyName {
			continue
		}
		if r.PolicyType != "" && r.PolicyType != p.Type {
			return nil, invalid("The policy type of %s is %s and cannot be changed.", p.Name, p.Type)
		}
		changed := *p
		return &changed, nil
	}
	if of >= maxPolicies {
		return nil, tooMany("scaling policies of a scalable target", maxPolicies)
	}
	kind := r.PolicyType
	if kind == "" {
		kind = stepScaling
	}
	arn := fmt.Sprintf("arn:aws:autoscaling:%s:%s:scalingPolicy:%s:resource/%s/%s:policyName/%s", s.Region, s.Account, reply.ID(), namespace, r.ResourceID, r.PolicyName)
	return &policy{place: r.place, Name: r.PolicyName, ARN: arn, Type: kind, Alarms: []alarm{}, Created: s.now()}, nil
}

// configure reads the configuration of the policy's kind.
func (p *policy) configure(r *policyRequest) error {
	if p.Type == stepScaling {
		if r.Step == nil || r.Tracking != nil {
			return invalid("A policy of type %s takes StepScalingPolicyConfiguration.", p.Type)
		}
		p.Step, p.Sent = &stepConfig{}, r.Step
		if err := reply.Decode(r.Step, p.Step); err != nil {
			return err
		}
		return p.Step.check()
	}
	if r.Tracking == nil || r.Step != nil {
		return invalid("A policy of type %s takes TargetTrackingScalingPolicyConfiguration.", p.Type)
	}
	p.Tracking, p.Sent = &trackingConfig{}, r.Tracking
	if err := reply.Decode(r.Tracking, p.Tracking); err != nil {
		return err
	}
	return p.Tracking.check()
}

func (s *Service) describePolicies(body []byte) (any, error) {
	return s.describe(body, "ScalingPolicies", func(f *filter) []map[string]any {
		var all []map[string]any
		for _, arn := range slices.SortedFunc(maps.Keys(s.policies), s.byAge) {
			p := s.policies[arn]
			if !f.matches(p.place) || len(f.PolicyNames) > 0 && !slices.Contains(f.PolicyNames, p.Name) {
				continue
			}
			o := p.describe()
			maps.Copy(o, map[string]any{"PolicyARN": p.ARN, "PolicyName": p.Name, "PolicyType": p.Type, "CreationTime": p.Created, "Alarms": p.Alarms, p.Type + "PolicyConfiguration": p.Sent})
			all = append(all, o)
		}
		return all
	})
}

// byAge orders policies; s.mu is held.
func (s *Service) byAge(a, b string) int {
	if c := s.policies[a].Created.Compare(s.policies[b].Created.Time); c != 0 {
		return c
	}
	return slices.Compare([]byte(a), []byte(b))
}

// deletePolicy is DeleteScalingPolicy: the alarms that target tracking made go, too.
func (s *Service) deletePolicy(body []byte) (any, error) {
	var r policyRequest
	if err := read(body, &r); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.policies {
		if p.key() == r.key() && p.Name == r.PolicyName {
			return struct{}{}, s.dropPolicy(p)
		}
	}
	return nil, notFound("No scaling policy found for service namespace: %s, resource ID: %s, scalable dimension: %s, policy name: %s", r.ServiceNamespace, r.ResourceID, r.ScalableDimension, r.PolicyName)
}

// dropPolicy forgets a policy and its alarms; s.mu is held.
func (s *Service) dropPolicy(p *policy) error {
	var names []string
	for _, a := range p.Alarms {
		names = append(names, a.AlarmName)
	}
	if err := s.Alarms.Delete(names...); err != nil {
		return err
	}
	delete(s.policies, p.ARN)
	return s.Store.Delete(policyKind, p.ARN)
}
