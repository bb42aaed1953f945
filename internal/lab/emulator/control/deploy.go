package control

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"betimes/internal/lab/emulator/fleet"
	"betimes/internal/lab/emulator/inference"
	"betimes/internal/lab/emulator/injection"
	"betimes/internal/lab/emulator/journal"
)

// drainLimit is how long an old fleet may finish what it has: a call's longest time.
const drainLimit = inference.DefaultTimeout

// enter changes the state of an endpoint, on disk first; s.mu is held.
func (s *Service) enter(e *endpoint, status, reason string) error {
	e.Status, e.FailureReason, e.Modified = status, reason, s.now()
	e.phases = nil
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

// launch starts what variants lack of the instances they desire, all or none, and gives the new ones.
func (s *Service) launch(ctx context.Context, variants []served, have map[string][]*fleet.Instance, provision time.Duration) (map[string][]*fleet.Instance, error) {
	if err := s.Clock.Sleep(ctx, provision); err != nil {
		return nil, err
	}
	added := map[string][]*fleet.Instance{}
	errs := make([]error, len(variants))
	var mu sync.Mutex
	var booting sync.WaitGroup
	for i, v := range variants {
		n := len(have[v.Name])
		if v.Desired <= n {
			continue
		}
		booting.Go(func() {
			instances, err := s.Launcher.Launch(ctx, v.Spec, n+1, v.Desired-n)
			errs[i] = variantError(v.Name, err)
			mu.Lock()
			added[v.Name] = instances
			mu.Unlock()
		})
	}
	booting.Wait()
	if err := errors.Join(errs...); err != nil {
		stop(added)
		return nil, err
	}
	return added, nil
}

// errCapacity is what AWS says when it has no machines.
const errCapacity = fleet.Said("Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. Please retry using a different ML instance type or after some time.")

// faultAt finds a fault of these kinds and notes that it hit.
func (s *Service) faultAt(w injection.Where, kinds ...string) *injection.Fault {
	if s.Faults == nil {
		return nil
	}
	w.Region, w.Account = s.Region, s.Account
	f := s.Faults.Of(w, kinds...)
	if f != nil {
		s.Journal.Note(journal.Entry{Time: s.Clock.Now(), Kind: journal.Fault, Operation: w.Operation, Resource: "endpoint/" + w.Endpoint, Variant: w.Variant, Text: f.Fault + " " + f.ID})
	}
	return f
}

// variantError puts a failure into AWS's words where they are known.
func variantError(name string, err error) error {
	if errors.Is(err, fleet.ErrHealth) {
		return fleet.Said("The primary container for production variant " + name + " " + fleet.ErrHealth.Error())
	}
	return err
}

// publish sends traffic to the fleets of e, old and new; s.mu is held.
func (s *Service) publish(e *endpoint) {
	r := &inference.Routing{Async: routedAsync(e.Async)}
	share := 0.0
	if f := e.front; f != nil && f.share > 0 {
		share = f.share
		route(r, f.variants, share, f.config, f.active)
	}
	if share < 1 {
		route(r, e.Variants, 1-share, "", func(variant string) []*fleet.Instance { return e.fleets[variant] })
	}
	s.Inference.Publish(e.Name, r)
}

// route gives a share of the traffic to variants, by their weights; a shadow gets copies.
func route(r *inference.Routing, variants []served, share float64, config string, fleets func(variant string) []*fleet.Instance) {
	sum := 0.0
	var shadow *inference.Variant
	for _, v := range variants {
		if v.Shadow {
			shadow = v.routed(config, fleets(v.Name), v.Weight)
			continue
		}
		sum += v.Weight
	}
	if shadow != nil && sum > 0 {
		shadow.Weight /= sum
	}
	for _, v := range variants {
		if v.Shadow {
			continue
		}
		weight := 0.0
		if sum > 0 {
			weight = share * v.Weight / sum
		}
		to := v.routed(config, fleets(v.Name), weight)
		to.Shadow = shadow
		r.Variants = append(r.Variants, *to)
	}
}

func (v *served) routed(config string, instances []*fleet.Instance, weight float64) *inference.Variant {
	to := &inference.Variant{Name: v.Name, Config: config, Weight: weight, Random: v.Strategy == "RANDOM", Instances: instances, MultiModel: v.Spec.MultiModel}
	if v.Strategy == prefixAware {
		var r routingConfig
		_ = json.Unmarshal(v.Routing, &r) // was decoded at create
		if p := r.PrefixAwareRoutingConfig; p != nil && p.PrefixLength != nil {
			to.Prefix = *p.PrefixLength
			if p.ConcurrencyThreshold != nil {
				to.Threshold = int64(*p.ConcurrencyThreshold)
			}
		}
	}
	if v.Spec.Direct {
		to.Containers = []string{v.Spec.Hostname}
		for _, p := range v.Spec.More {
			to.Containers = append(to.Containers, p.Hostname)
		}
	}
	return to
}

// retire lets fleets finish what they have and stops them.
func (s *Service) retire(fleets map[string][]*fleet.Instance) {
	for _, instances := range fleets {
		if len(instances) > 0 {
			go fleet.Retire(instances, drainLimit)
		}
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
	if e.front != nil { // a rollback that failed
		s.retire(e.front.running)
	}
	if s.Scaling != nil {
		s.Scaling.Forget(e.Name)
	}
	s.must("endpoint", e.Name, errors.Join(s.Inference.Drop(e.Name), s.forget(e.ARN, s.endpoints.delete(e.Name))))
	s.noteState("endpoint", e.Name, "deleted", "")
	close(e.changed)
	e.changed = nil
	e.Status = deleted // for who holds a pointer to it
}
