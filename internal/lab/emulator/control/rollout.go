package control

import (
	"fmt"
	"time"

	"betimes/internal/lab/emulator/fleet"
)

// front is a new fleet beside the one in service.
type front struct {
	config   string
	variants []served
	running  map[string][]*fleet.Instance // by variant
	share    float64                      // of the endpoint's traffic
	growing  bool                         // all that run have traffic, as in a rolling deployment
}

// active are the instances of a variant that have traffic.
func (f *front) active(variant string) []*fleet.Instance {
	all := f.running[variant]
	if f.growing {
		return all
	}
	return all[:part(len(all), f.share)]
}

// rollout is one deployment on its way:
//
//	new fleet up ─► traffic on a share of it ─► bake ─► … ─► all of it ─► bake ─► old fleet down
//	      │ fails                                 │ alarm, or too long
//	      └──────────────► rolling back ◄─────────┘
type rollout struct {
	*Service
	l      *life
	e      *endpoint
	first  bool
	next   pending
	policy *deployment
	front  *front
	until  time.Time // zero: no limit
}

// deploy brings e.Pending into service.
func (s *Service) deploy(l *life, e *endpoint) {
	r := s.rollout(l, e)
	r.ended(r.run())
}

func (s *Service) rollout(l *life, e *endpoint) *rollout {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := *e.Pending
	r := &rollout{Service: s, l: l, e: e, first: e.Status == creating, next: next, policy: &deployment{}}
	r.front = &front{config: next.Config, variants: next.Variants, running: map[string][]*fleet.Instance{}}
	if r.first { // there is no traffic to shift yet
		return r
	}
	if policy, err := readDeployment(e.LastDeployment); err == nil { // was checked at update
		r.policy = policy
	}
	if limit := r.policy.limit(); limit > 0 {
		r.until = s.Clock.Now().Add(s.Pace.Wait(limit))
	}
	r.front.growing = r.policy.RollingUpdatePolicy != nil
	e.front = r.front
	return r
}

func (r *rollout) run() error {
	if err := r.alarmed(); err != nil {
		return err
	}
	if p := r.policy.RollingUpdatePolicy; p != nil {
		return r.roll(p)
	}
	if err := r.grow(1); err != nil || r.first {
		return err
	}
	for _, step := range r.policy.shifts(r.size()) {
		r.move(step.share)
		if err := r.bake(step); err != nil {
			return err
		}
	}
	return r.injected()
}

// roll replaces the old fleet batch by batch.
func (r *rollout) roll(p *rolling) error {
	for _, step := range p.batches(r.size()) {
		if err := r.grow(step.share); err != nil {
			return err
		}
		r.move(step.share)
		if err := r.bake(step); err != nil {
			return err
		}
	}
	return r.injected()
}

// size is what instance counts of the policy are a part of.
func (r *rollout) size() int {
	n := 1
	for _, v := range r.next.Variants {
		n = max(n, v.Desired)
	}
	return n
}

// grow starts instances until the new fleet is a share of its full size.
func (r *rollout) grow(share float64) error {
	wanted := append([]served(nil), r.next.Variants...)
	for i := range wanted {
		wanted[i].Desired = part(wanted[i].Desired, share)
	}
	r.phase(creating, func(v served) string {
		return fmt.Sprintf("Launching %d instance(s).", part(v.Desired, share)-len(r.front.running[v.Name]))
	})
	if err := r.spoiled(); err != nil {
		return err
	}
	added, err := r.launch(r.l, wanted, r.front.running, r.Pace.Provision())
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, instances := range added {
		r.front.running[name] = append(r.front.running[name], instances...)
	}
	return nil
}

// move puts a share of the traffic on the new fleet; a rolling deployment takes
// as much of the old one away.
func (r *rollout) move(share float64) {
	r.phase("ActivatingTraffic", func(served) string { return "" })
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.l.Err() != nil {
		return
	}
	r.front.share = share
	leaving := map[string][]*fleet.Instance{}
	if r.front.growing {
		leaving = r.e.shrink(share)
	}
	r.publish(r.e)
	r.retire(leaving)
	r.noteState("endpoint", r.e.Name, r.e.Status, fmt.Sprintf("%.0f%% of the traffic to config %s", 100*share, r.front.config))
}

// shrink takes a share of the instances that a variant should have out of its fleet.
func (e *endpoint) shrink(share float64) map[string][]*fleet.Instance {
	fleets, leaving := map[string][]*fleet.Instance{}, map[string][]*fleet.Instance{}
	for i := range e.Variants {
		v := &e.Variants[i]
		have := e.fleets[v.Name]
		keep := min(len(have), v.Desired-part(v.Desired, share))
		fleets[v.Name], leaving[v.Name] = have[:keep:keep], have[keep:]
		v.Count = keep
	}
	e.fleets = fleets
	return leaving
}

// phase is what DescribeEndpoint says about each variant that is deployed.
func (r *rollout) phase(status string, message func(served) string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.e.Pending == nil || r.l.Err() != nil {
		return
	}
	r.e.Pending.phases = map[string]phase{}
	for _, v := range r.next.Variants {
		r.e.Pending.phases[v.Name] = phase{status, message(v), r.now()}
	}
}
