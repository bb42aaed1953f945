package control

import (
	"errors"
	"maps"
	"sync"
)

// resumeEndpoints starts what was in service; the channel closes when it is.
func (s *Service) resumeEndpoints() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	var starting sync.WaitGroup
	for _, e := range maps.Clone(s.endpoints.all) {
		e.changed = make(chan struct{})
		switch e.Status {
		case creating:
			s.work(func(l *life) { s.deploy(l, e) })
		case deleting:
			s.work(func(l *life) { s.remove(l, e) })
		case failed:
		default:
			e.absent = true
			starting.Add(1)
			s.work(func(l *life) {
				goesOn := s.restart(l, e)
				starting.Done()
				if goesOn {
					s.deploy(l, e)
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
	fleets, err := s.launch(l, e.Variants, nil, 0)
	s.mu.Lock()
	defer s.mu.Unlock()
	e.absent = false
	if l.Err() != nil || e.Status == deleting || e.Status == deleted { // it went meanwhile
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
		if e.front != nil && !e.busy() { // else the deployment stops it
			stop(e.front.running)
		}
	}
	err := errors.Join(s.models.clear(), s.configs.clear(), s.endpoints.clear(), s.jobs.clear(), s.groups.clear(), s.packages.clear(), s.tags.clear())
	s.mu.Unlock()
	old.working.Wait()
	return err
}
