package scaling

import (
	"fmt"
	"time"

	"betimes/internal/lab/emulator/control"
	"betimes/internal/lab/emulator/journal"
	"betimes/internal/lab/emulator/metrics"
)

// Trigger is what an alarm does to a policy. It does not wait.
func (s *Service) Trigger(policyARN string, n metrics.Notice) {
	if n.New != metrics.Alarm || s.life.Err() != nil {
		return
	}
	s.work(func() { s.trigger(policyARN, n) })
}

func (s *Service) trigger(policyARN string, n metrics.Notice) {
	s.mu.Lock()
	p, ok := s.policies[policyARN]
	s.mu.Unlock()
	if !ok {
		return
	}
	endpoint, variant, _ := p.variant()
	have, ok := s.Fleet.Capacity(endpoint, variant)
	if !ok || have.Busy { // the alarm tells again while it lasts
		return
	}
	s.mu.Lock()
	t, ok := s.targets[p.key()]
	var a *activity
	wanted := have.Current
	if ok && !s.changing[p.key()] {
		wanted, a = s.decide(t, p, n, have)
	}
	s.mu.Unlock()
	if a != nil {
		s.change(t.place, wanted, a)
	}
}

// decide says how many instances a policy wants now, and notes the activity when
// that is a change; s.mu is held.
func (s *Service) decide(t *target, p *policy, n metrics.Notice, have control.Capacity) (int, *activity) {
	cause := fmt.Sprintf("monitor alarm %s in state ALARM triggered policy %s", n.Alarm, p.Name)
	wanted, ok := s.wanted(t, p, n, have.Current)
	if !ok {
		return 0, nil
	}
	bounded := min(max(wanted, t.Min), t.Max)
	if bounded == have.Current {
		s.noteNotScaled(t, cause, notScaledReason(t, have.Current, wanted))
		return 0, nil
	}
	if !s.mayChange(t, p, have.Current, bounded) {
		return 0, nil
	}
	return bounded, s.beginChange(t.place, bounded, cause)
}

// beginChange notes a change of capacity; until it is done there is no other one
// of the target; s.mu is held.
func (s *Service) beginChange(p place, to int, cause string) *activity {
	s.changing[p.key()] = true
	return s.begin(p, fmt.Sprintf("Setting desired instance count to %d.", to), cause)
}

// wanted is what a policy asks for, beyond the bounds perhaps; s.mu is held.
func (s *Service) wanted(t *target, p *policy, n metrics.Notice, current int) (int, bool) {
	switch {
	case !n.Known:
		return 0, false
	case p.Type == stepScaling:
		return s.stepped(t, p, n.Value-n.Threshold, current)
	case isLow(n.Alarm):
		return s.agreed(p, current)
	}
	return max(p.Tracking.proportion(current, n.Value), current), true
}

// stepped is what a step policy asks for. Within the cooldown of a scale-out what
// that one added counts as a part of what is asked for now; s.mu is held.
func (s *Service) stepped(t *target, p *policy, beyond float64, current int) (int, bool) {
	out, _ := p.cooldowns()
	if s.Clock.Now().Sub(t.LastOut.At.Time) >= out {
		return p.Step.adjusted(current, beyond)
	}
	wanted, ok := p.Step.adjusted(t.LastOut.From, beyond)
	if wanted >= t.LastOut.From && wanted <= current {
		return 0, false
	}
	if wanted < t.LastOut.From { // inwards: from what there is
		return p.Step.adjusted(current, beyond)
	}
	return wanted, ok
}

// agreed is the largest of what all tracking policies want when all want fewer
// instances; s.mu is held.
func (s *Service) agreed(p *policy, current int) (int, bool) {
	most := 0
	for _, other := range s.policies {
		if other.key() != p.key() || other.Type != targetTracking || other.Tracking.DisableScaleIn || len(other.Alarms) < 2 {
			continue
		}
		state, value, known := s.Alarms.Look(other.Alarms[1].AlarmName)
		if state != metrics.Alarm || !known {
			return 0, false
		}
		most = max(most, other.Tracking.proportion(current, value))
	}
	return min(most, current), true
}

// notScaledReason is why a wish changed nothing.
func notScaledReason(t *target, current, wanted int) notScaled {
	switch {
	case wanted > current:
		return notScaled{Code: "AlreadyAtMaxCapacity", MaxCapacity: &t.Max}
	case current <= t.Min:
		return notScaled{Code: "AlreadyAtMinCapacity", MinCapacity: &t.Min}
	}
	return notScaled{Code: "AutoScalingAnticipatedFlapping", CurrentCapacity: &current}
}

// noteNotScaled notes, once in a row, that nothing changed; s.mu is held.
func (s *Service) noteNotScaled(t *target, cause string, why notScaled) {
	for i := len(s.activities) - 1; i >= 0; i-- {
		last := s.activities[i]
		if last.key() != t.key() {
			continue
		}
		if len(last.NotScaled) == 0 {
			break
		}
		if last.Cause == cause && last.NotScaled[0].Code == why.Code {
			return
		}
	}
	a := s.begin(t.place, "Attempting to scale due to alarm triggered", cause)
	a.NotScaled = []notScaled{why}
	s.conclude(a, unfulfilled, "")
}

// mayChange says whether suspension and cooldown allow a change; s.mu is held.
func (s *Service) mayChange(t *target, p *policy, from, to int) bool {
	now := s.Clock.Now()
	out, in := p.cooldowns()
	if to > from {
		// Within the cooldown only more than what was asked for last.
		return !t.Suspended.DynamicScalingOutSuspended && (now.Sub(t.LastOut.At.Time) >= out || to > t.LastOut.To)
	}
	return !t.Suspended.DynamicScalingInSuspended && now.Sub(t.LastIn.At.Time) >= in
}

func (p *policy) cooldowns() (out, in time.Duration) {
	if p.Type == stepScaling {
		d := time.Duration(orDefault(p.Step.Cooldown)) * time.Second
		return d, d
	}
	return time.Duration(orDefault(p.Tracking.ScaleOutCooldown)) * time.Second, time.Duration(orDefault(p.Tracking.ScaleInCooldown)) * time.Second
}

// look is how often a change under way is looked at.
const look = time.Second

// change asks for instances and waits until they are there; s.mu is not held.
func (s *Service) change(p place, to int, a *activity) {
	endpoint, variant, _ := p.variant()
	before, _ := s.Fleet.Capacity(endpoint, variant)
	s.changed(p, before.Current, to)
	err := s.Fleet.Resize(endpoint, variant, to)
	for err == nil {
		have, ok := s.Fleet.Capacity(endpoint, variant)
		if !ok {
			err = fmt.Errorf("endpoint %s is gone", endpoint)
			break
		}
		if !have.Busy {
			if have.Current != to {
				err = fmt.Errorf("endpoint %s has %d instances of variant %s", endpoint, have.Current, variant)
			}
			break
		}
		if s.Clock.Sleep(s.life, look) != nil { // the next start finishes it
			return
		}
	}
	s.changed(p, before.Current, to)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.changing, p.key())
	s.finish(a, err)
	s.Journal.Note(journal.Entry{Time: s.Clock.Now(), Kind: journal.State, Resource: p.ResourceID, Text: a.Status + ": " + a.Description + " " + a.Cause})
}

// changed begins the cooldown of a direction, and does so again when the change
// is done. A scale-out ends the cooldown of a scale-in.
func (s *Service) changed(p place, from, to int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.targets[p.key()]
	if !ok {
		return
	}
	next := *t
	if to > from {
		next.LastOut, next.LastIn = scaled{s.now(), from, to}, scaled{}
	} else {
		next.LastIn = scaled{s.now(), from, to}
	}
	s.must(s.keepTarget(&next))
}

// fit brings the capacity of a target within its bounds, once it can be changed.
func (s *Service) fit(p place) {
	endpoint, variant, _ := p.variant()
	for {
		have, ok := s.Fleet.Capacity(endpoint, variant)
		if !ok {
			return
		}
		if have.Busy {
			if s.Clock.Sleep(s.life, look) != nil {
				return
			}
			continue
		}
		s.mu.Lock()
		waits := s.changing[p.key()]
		var to int
		var a *activity
		if !waits {
			to, a = s.outside(p, have.Current)
		}
		s.mu.Unlock()
		if a != nil {
			s.change(p, to, a)
		}
		if !waits || s.Clock.Sleep(s.life, look) != nil {
			return
		}
	}
}

// outside notes the activity that brings a target back within its bounds; s.mu is held.
func (s *Service) outside(p place, current int) (int, *activity) {
	t, ok := s.targets[p.key()]
	switch {
	case !ok:
	case current < t.Min:
		return t.Min, s.beginChange(p, t.Min, fmt.Sprintf("minimum capacity was set to %d", t.Min))
	case current > t.Max:
		return t.Max, s.beginChange(p, t.Max, fmt.Sprintf("maximum capacity was set to %d", t.Max))
	}
	return 0, nil
}
