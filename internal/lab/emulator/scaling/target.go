package scaling

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"betimes/internal/lab/emulator/reply"
)

// suspended is which kinds of scaling rest.
type suspended struct {
	DynamicScalingInSuspended  bool
	DynamicScalingOutSuspended bool
	ScheduledScalingSuspended  bool
}

// target is a variant that is scaled, and what was done to it last.
type target struct {
	place
	ARN       string     `json:"arn"`
	Role      string     `json:"role"`
	Min       int        `json:"min"`
	Max       int        `json:"max"`
	Suspended suspended  `json:"suspended"`
	Created   reply.Time `json:"created"`
	LastOut   scaled     `json:"last_out"`
	LastIn    scaled     `json:"last_in"`
}

// scaled is a change of capacity that was made.
type scaled struct {
	At   reply.Time `json:"at"`
	From int        `json:"from"`
	To   int        `json:"to"`
}

type targetRequest struct {
	place
	MinCapacity, MaxCapacity *int
	RoleARN                  string
	SuspendedState           *struct {
		DynamicScalingInSuspended, DynamicScalingOutSuspended, ScheduledScalingSuspended *bool
	}
	Tags map[string]string
}

// The quotas of an account.
const (
	maxTargets   = 500
	maxPolicies  = 50 // of a target
	maxSchedules = 200
	maxSteps     = 20
)

// registerTarget is RegisterScalableTarget: again, it changes only what is given.
// Capacity outside of the bounds is brought within them.
func (s *Service) registerTarget(body []byte) (any, error) {
	var r targetRequest
	if err := reply.Decode(body, &r); err != nil {
		return nil, err
	}
	var c reply.Checks
	c.Least("minCapacity", r.MinCapacity, 0)
	c.Least("maxCapacity", r.MaxCapacity, 0)
	if err := r.check(&c); err != nil {
		return nil, err
	}
	endpoint, variant, _ := r.variant()
	if _, ok := s.Fleet.Capacity(endpoint, variant); !ok {
		return nil, invalid("Could not find endpoint %q with variant %q.", endpoint, variant)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := &target{place: r.place, ARN: s.targetARN(), Role: s.role(), Created: s.now(), Min: -1, Max: -1}
	if old, ok := s.targets[r.key()]; ok {
		changed := *old
		t = &changed
	} else if len(s.targets) >= maxTargets {
		return nil, tooMany("scalable targets", maxTargets)
	}
	if err := r.apply(t); err != nil {
		return nil, err
	}
	if err := s.keepTarget(t); err != nil {
		return nil, err
	}
	s.work(func() { s.fit(t.place) })
	return map[string]string{"ScalableTargetARN": t.ARN}, nil
}

// apply puts what is given into t.
func (r *targetRequest) apply(t *target) error {
	if r.MinCapacity != nil {
		t.Min = *r.MinCapacity
	}
	if r.MaxCapacity != nil {
		t.Max = *r.MaxCapacity
	}
	if r.RoleARN != "" {
		t.Role = r.RoleARN
	}
	if p := r.SuspendedState; p != nil {
		for _, one := range []struct {
			given *bool
			into  *bool
		}{
			{p.DynamicScalingInSuspended, &t.Suspended.DynamicScalingInSuspended},
			{p.DynamicScalingOutSuspended, &t.Suspended.DynamicScalingOutSuspended},
			{p.ScheduledScalingSuspended, &t.Suspended.ScheduledScalingSuspended},
		} {
			if one.given != nil {
				*one.into = *one.given
			}
		}
	}
	switch {
	case t.Min < 0 || t.Max < 0:
		return invalid("You must specify MinCapacity and MaxCapacity when you register a new scalable target.")
	case t.Min > t.Max:
		return invalid("Minimum capacity cannot be greater than maximum capacity.")
	}
	return nil
}

func (s *Service) targetARN() string {
	return fmt.Sprintf("arn:aws:application-autoscaling:%s:%s:scalable-target/%s", s.Region, s.Account, strings.ReplaceAll(reply.ID(), "-", "")[:26])
}

// role is the service-linked one.
func (s *Service) role() string {
	return "arn:aws:iam::" + s.Account + ":role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
}

// keepTarget keeps t, on disk first; s.mu is held.
func (s *Service) keepTarget(t *target) error {
	if err := s.Store.Put(targetKind, t.key(), t); err != nil {
		return err
	}
	s.targets[t.key()] = t
	return nil
}

// registered finds the target that a request is about; s.mu is held.
func (s *Service) registered(p place) (*target, error) {
	t, ok := s.targets[p.key()]
	if !ok {
		return nil, notFound("No scalable target registered for service namespace: %s, resource ID: %s, scalable dimension: %s", p.ServiceNamespace, p.ResourceID, p.ScalableDimension)
	}
	return t, nil
}

func (s *Service) describeTargets(body []byte) (any, error) {
	return s.describe(body, "ScalableTargets", func(f *filter) []map[string]any {
		var all []map[string]any
		for _, key := range slices.Sorted(maps.Keys(s.targets)) {
			t := s.targets[key]
			if !f.matches(t.place) {
				continue
			}
			o := t.describe()
			maps.Copy(o, map[string]any{"MinCapacity": t.Min, "MaxCapacity": t.Max, "RoleARN": t.Role, "CreationTime": t.Created, "SuspendedState": t.Suspended, "ScalableTargetARN": t.ARN})
			all = append(all, o)
		}
		return all
	})
}

// deregisterTarget is DeregisterScalableTarget: policies, their alarms and schedules go, too.
func (s *Service) deregisterTarget(body []byte) (any, error) {
	var r place
	if err := reply.Decode(body, &r); err != nil {
		return nil, err
	}
	var c reply.Checks
	if err := r.check(&c); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.registered(r)
	if err != nil {
		return nil, err
	}
	return struct{}{}, s.drop(t)
}

// drop forgets a target with all that belongs to it; s.mu is held.
func (s *Service) drop(t *target) error {
	var errs []error
	for _, p := range s.policies {
		if p.key() == t.key() {
			errs = append(errs, s.dropPolicy(p))
		}
	}
	for arn, a := range s.schedules {
		if a.key() == t.key() {
			errs = append(errs, s.Store.Delete(scheduleKind, arn))
			delete(s.schedules, arn)
		}
	}
	errs = append(errs, s.Store.Delete(targetKind, t.key()))
	delete(s.targets, t.key())
	return errors.Join(errs...)
}

// Registered says whether a variant is a scalable target.
func (s *Service) Registered(endpoint, variant string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.targets[place{namespace, "endpoint/" + endpoint + "/variant/" + variant, dimension}.key()]
	return ok
}

// Forget removes targets, policies and alarms of a deleted endpoint.
func (s *Service) Forget(endpoint string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.targets {
		if of, _, _ := t.variant(); of != endpoint {
			continue
		}
		if err := s.drop(t); err != nil {
			s.Log.Error("scalable target not removed", "target", t.ResourceID, "error", err)
		}
	}
}

// Summary is the bounds of each target, for the state page.
func (s *Service) Summary() map[string][2]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string][2]int{}
	for _, t := range s.targets {
		all[t.ResourceID] = [2]int{t.Min, t.Max}
	}
	return all
}
