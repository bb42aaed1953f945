package control

import (
	"errors"

	"betimes/internal/lab/emulator/fleet"
)

// ended keeps how a deployment ended. When it is the emulator that ends, the
// next start begins the deployment anew.
func (r *rollout) ended(err error) {
	r.mu.Lock()
	ends := r.l.Err() != nil
	switch {
	case ends:
		stop(r.front.running)
	case err == nil:
		r.arrived()
	case r.first:
		r.refusedFirst(err)
	default:
		r.e.Pending = nil
		r.must("endpoint", r.e.Name, r.enter(r.e, rollingBack, err.Error()))
	}
	r.mu.Unlock()
	if err != nil && !ends && !r.first {
		r.restored(err.Error(), r.rollBack())
	}
}

// arrived puts the new fleet into the place of the old one; s.mu is held.
func (r *rollout) arrived() {
	e, old := r.e, r.e.fleets
	e.Variants, e.Config, e.Metrics, e.Async = r.next.Variants, r.next.Config, r.next.Metrics, r.next.Async
	e.Pending, e.front, e.fleets = nil, nil, r.front.running
	r.publish(e)
	r.must("endpoint", e.Name, r.enter(e, inService, ""))
	r.retire(old)
}

// refusedFirst ends a creation; s.mu is held.
func (r *rollout) refusedFirst(err error) {
	r.e.Pending = nil
	r.e.Variants = r.next.Variants
	for i := range r.e.Variants {
		r.e.Variants[i].Count = 0
	}
	r.must("endpoint", r.e.Name, r.enter(r.e, failed, err.Error()))
}

// rollBack gives the traffic back to the old fleet, which a rolling deployment must start again.
func (r *rollout) rollBack() error {
	if p := r.policy.RollingUpdatePolicy; p != nil {
		return r.unroll(p)
	}
	r.mu.Lock()
	r.front.share = 0
	r.publish(r.e)
	r.mu.Unlock()
	return r.Clock.Sleep(r.l, r.Pace.Rollback)
}

// unroll starts the old fleet again batch by batch, and takes as much of the new one away.
func (r *rollout) unroll(p *rolling) error {
	step := 1.0
	if z := p.RollbackMaximumBatchSize; z != nil {
		step = z.share(r.size())
	}
	for _, back := range evenly(step, 0) {
		if err := r.regrow(back.share); err != nil {
			return err
		}
		if back.share < 1 {
			if err := r.Clock.Sleep(r.l, r.Pace.Wait(seconds(p.WaitIntervalInSeconds))); err != nil {
				return err
			}
		}
	}
	return nil
}

// regrow starts what is missing of a share of the old fleet.
func (r *rollout) regrow(share float64) error {
	r.mu.Lock()
	wanted := append([]served(nil), r.e.Variants...)
	have := r.e.fleets
	r.mu.Unlock()
	missing := false
	for i, v := range wanted {
		wanted[i].Desired = max(part(v.Desired, share), len(have[v.Name]))
		missing = missing || wanted[i].Desired > len(have[v.Name])
	}
	if !missing {
		return nil
	}
	if err := r.spoiled(); err != nil {
		return err
	}
	added, err := r.launch(r.l, wanted, have, r.Pace.Provision())
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.l.Err() != nil {
		stop(added)
		return r.l.Err()
	}
	fleets := map[string][]*fleet.Instance{}
	for i := range r.e.Variants {
		v := &r.e.Variants[i]
		fleets[v.Name] = append(append([]*fleet.Instance(nil), have[v.Name]...), added[v.Name]...)
		v.Count = len(fleets[v.Name])
	}
	r.e.fleets = fleets
	r.front.share = min(r.front.share, 1-share)
	r.publish(r.e)
	return nil
}

// restored ends a rollback: in service with the old config, or with a mix of both when that failed too.
func (r *rollout) restored(reason string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.l.Err() != nil:
		stop(r.front.running)
	case err != nil:
		r.must("endpoint", r.e.Name, r.enter(r.e, rollbackFailed, errors.Join(fleet.Said(reason), err).Error()))
	default:
		r.e.front = nil
		r.publish(r.e)
		r.must("endpoint", r.e.Name, r.enter(r.e, inService, reason))
		r.retire(r.front.running)
	}
}
