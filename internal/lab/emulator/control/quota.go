package control

import "betimes/internal/lab/emulator/reply"

// The uses that quotas are about.
const (
	forEndpoints = "endpoint"
	forTraining  = "training job"
)

// within refuses more instances of a type than the account may have; s.mu is held.
func (s *Service) within(use, instanceType string, more int) error {
	name := instanceType + " for " + use + " usage"
	limit, limited := s.Quotas[name]
	if !limited || more <= 0 {
		return nil
	}
	used := s.usedByJobs(instanceType)
	if use == forEndpoints {
		used = s.usedByEndpoints(instanceType)
	}
	if used+more <= limit {
		return nil
	}
	return reply.Modelled("ResourceLimitExceeded", "The account-level service limit '%s' is %d Instances, with current utilization of %d Instances and a request delta of %d Instances. Please use AWS Service Quotas to request an increase for this quota. If AWS Service Quotas is not available, contact AWS support to request an increase for this quota.", name, limit, used, more)
}

// allowed checks the quotas for what a plan adds; have are the variants that stay, if any.
func (s *Service) allowed(plan, have []served) error {
	more := map[string]int{}
	for _, v := range plan {
		more[v.Spec.InstanceType] += v.Desired
		if old := named(have, v.Name); old != nil {
			more[v.Spec.InstanceType] -= old.Desired
		}
	}
	for _, v := range plan {
		if err := s.within(forEndpoints, v.Spec.InstanceType, more[v.Spec.InstanceType]); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) usedByEndpoints(instanceType string) int {
	used := 0
	for _, e := range s.endpoints.all {
		variants := e.Variants
		if e.Status == failed {
			continue
		}
		if e.Pending != nil {
			variants = append(variants[:len(variants):len(variants)], e.Pending.Variants...)
		}
		for _, v := range variants {
			if v.Spec.InstanceType == instanceType {
				used += v.Desired
			}
		}
	}
	return used
}

func (s *Service) usedByJobs(instanceType string) int {
	used := 0
	for _, j := range s.jobs.all {
		if r := j.request().ResourceConfig; j.busy() && r != nil && r.InstanceType == instanceType {
			used += r.count()
		}
	}
	return used
}
