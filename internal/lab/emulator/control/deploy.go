package control

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"betimes/internal/lab/emulator/fleet"
	"betimes/internal/lab/emulator/inference"
)

// drainLimit is how long an old fleet may finish what it has: a call's longest time.
const drainLimit = inference.DefaultTimeout

// enter changes the state of an endpoint, on disk first; s.mu is held.
func (s *Service) enter(e *endpoint, status, reason string) error {
	e.Status, e.FailureReason, e.Modified = status, reason, s.now()
	err := s.endpoints.put(e)
	s.noteState("endpoint", e.Name, status, reason)
	if e.changed != nil {
		close(e.changed)
	}
	e.changed = make(chan struct{})
	return err
}

// must logs what cannot be told to anyone.
func (s *Service) must(what, name string, err error) {
	if err != nil {
		s.Log.Error("state not kept", "what", what, "name", name, "error", err)
	}
}

// deploy brings e.Pending up beside what serves, then lets traffic change over.
func (s *Service) deploy(l *life, e *endpoint, provision time.Duration) {
	s.mu.Lock()
	next := *e.Pending
	first := e.Status == creating
	s.mu.Unlock()
	fleets, err := s.launch(l, next.Variants, provision)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case l.Err() != nil: // the emulator ends: the next start goes on from here
		stop(fleets)
	case err == nil:
		old := e.fleets
		e.Variants, e.Config, e.Pending, e.fleets = next.Variants, next.Config, nil, fleets
		s.publish(e)
		s.must("endpoint", e.Name, s.enter(e, inService, ""))
		s.retire(old)
	case first:
		e.Pending = nil
		e.Variants = next.Variants
		for i := range e.Variants {
			e.Variants[i].Count = 0
		}
		s.must("endpoint", e.Name, s.enter(e, failed, err.Error()))
	default:
		e.Pending = nil
		s.must("endpoint", e.Name, s.enter(e, rollingBack, err.Error()))
		s.must("endpoint", e.Name, s.enter(e, inService, err.Error()))
	}
}

// launch starts all instances of all variants, or none.
func (s *Service) launch(ctx context.Context, variants []served, provision time.Duration) (map[string][]*fleet.Instance, error) {
	if err := s.Clock.Sleep(ctx, provision); err != nil {
		return nil, err
	}
	fleets := map[string][]*fleet.Instance{}
	errs := make([]error, len(variants))
	var mu sync.Mutex
	var booting sync.WaitGroup
	for i, v := range variants {
		booting.Go(func() {
			instances, err := s.Launcher.Launch(ctx, v.Spec, 1, v.Desired)
			errs[i] = variantError(v.Name, err)
			mu.Lock()
			fleets[v.Name] = instances
			mu.Unlock()
		})
	}
	booting.Wait()
	if err := errors.Join(errs...); err != nil {
		stop(fleets)
		return nil, err
	}
	return fleets, nil
}

// variantError puts a failure into AWS's words where they are known.
func variantError(name string, err error) error {
	if errors.Is(err, fleet.ErrHealth) {
		return fleet.Said("The primary container for production variant " + name + " " + fleet.ErrHealth.Error())
	}
	return err
}

// publish sends traffic to the fleets of e; s.mu is held.
func (s *Service) publish(e *endpoint) {
	r := &inference.Routing{}
	for _, v := range e.Variants {
		r.Variants = append(r.Variants, inference.Variant{Name: v.Name, Weight: v.Weight, Random: v.Strategy == "RANDOM", Instances: e.fleets[v.Name]})
	}
	s.Inference.Publish(e.Name, r)
}

// retire lets fleets finish what they have and stops them.
func (s *Service) retire(fleets map[string][]*fleet.Instance) {
	for _, instances := range fleets {
		go fleet.Retire(instances, drainLimit)
	}
}

func stop(fleets map[string][]*fleet.Instance) {
	for _, instances := range fleets {
		fleet.Stop(instances)
	}
}

// remove ends a deleted endpoint.
func (s *Service) remove(l *life, e *endpoint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.Err() != nil {
		return
	}
	s.retire(e.fleets)
	s.must("endpoint", e.Name, s.forget(e.ARN, s.endpoints.delete(e.Name)))
	s.noteState("endpoint", e.Name, "deleted", "")
	close(e.changed)
	e.changed = nil
	e.Status = "Deleted" // for who holds a pointer to it
}

// resumeEndpoints starts what was in service; the channel closes when it is.
func (s *Service) resumeEndpoints() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	var starting sync.WaitGroup
	for _, e := range maps.Clone(s.endpoints.all) {
		e.changed = make(chan struct{})
		switch e.Status {
		case creating:
			s.work(func(l *life) { s.deploy(l, e, s.Pace.Provision()) })
		case deleting:
			s.work(func(l *life) { s.remove(l, e) })
		case failed:
		default:
			starting.Add(1)
			s.work(func(l *life) {
				goesOn := s.restart(l, e)
				starting.Done()
				if goesOn {
					s.deploy(l, e, s.Pace.Provision())
				}
			})
		}
	}
	done := make(chan struct{})
	go func() {
		starting.Wait()
		close(done)
	}()
	return done
}

// restart brings the fleets of an endpoint back that was in service. The
// instances are new, the endpoint is the same: no provisioning. It says whether
// a deployment was under way.
func (s *Service) restart(l *life, e *endpoint) bool {
	fleets, err := s.launch(l, e.Variants, 0)
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.Err() != nil {
		stop(fleets)
		return false
	}
	if err != nil {
		s.Log.Warn("endpoint did not start again", "endpoint", e.Name, "error", err)
		e.Pending = nil
		s.must("endpoint", e.Name, s.enter(e, failed, err.Error()))
		return false
	}
	e.fleets = fleets
	for i := range e.Variants {
		e.Variants[i].Count = e.Variants[i].Desired
	}
	s.publish(e)
	if e.Pending == nil && e.Status != inService { // killed while it rolled back or changed counts
		s.must("endpoint", e.Name, s.enter(e, inService, e.FailureReason))
	}
	return e.Pending != nil
}

// Reset empties everything, and waits for what was under way to see it.
func (s *Service) Reset() error {
	s.mu.Lock()
	old := s.life
	old.end()
	s.life = newLife()
	for _, e := range s.endpoints.all {
		s.Inference.Publish(e.Name, nil)
		stop(e.fleets)
	}
	err := errors.Join(s.models.clear(), s.configs.clear(), s.endpoints.clear(), s.jobs.clear(), s.groups.clear(), s.packages.clear(), s.tags.clear())
	s.mu.Unlock()
	old.working.Wait()
	return err
}
