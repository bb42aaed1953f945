package scaling

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"betimes/internal/lab/emulator/reply"
)

// scheduled is an action that sets the bounds of a target at a time.
type scheduled struct {
	place
	Name     string      `json:"name"`
	ARN      string      `json:"arn"`
	Schedule string      `json:"schedule"`
	Timezone string      `json:"timezone,omitempty"`
	Start    *reply.Time `json:"start,omitempty"`
	End      *reply.Time `json:"end,omitempty"`
	Min      *int        `json:"min,omitempty"`
	Max      *int        `json:"max,omitempty"`
	Created  reply.Time  `json:"created"`
}

type scheduleRequest struct {
	place
	ScheduledActionName string
	Schedule, Timezone  string
	StartTime, EndTime  *reply.Time
	Action              *struct{ MinCapacity, MaxCapacity *int } `json:"ScalableTargetAction"`
}

func (r *scheduleRequest) check() error {
	var c reply.Checks
	c.Text("scheduledActionName", r.ScheduledActionName, 256, nil)
	c.OptionalText("schedule", r.Schedule, 1600, nil)
	if r.Action != nil {
		c.Least("scalableTargetAction.minCapacity", r.Action.MinCapacity, 0)
		c.Least("scalableTargetAction.maxCapacity", r.Action.MaxCapacity, 0)
	}
	return r.place.check(&c)
}

// putSchedule is PutScheduledAction: again, it changes only what is given.
func (s *Service) putSchedule(body []byte) (any, error) {
	var r scheduleRequest
	if err := read(body, &r); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.registered(r.place); err != nil {
		return nil, err
	}
	a, err := s.scheduleFor(&r)
	if err != nil {
		return nil, err
	}
	if err := r.apply(a); err != nil {
		return nil, err
	}
	if err := s.Store.Put(scheduleKind, a.ARN, a); err != nil {
		return nil, err
	}
	s.schedules[a.ARN] = a
	return struct{}{}, nil
}

// scheduleFor is a copy of the action of that name, or a new one; s.mu is held.
func (s *Service) scheduleFor(r *scheduleRequest) (*scheduled, error) {
	of := 0
	for _, a := range s.schedules {
		if a.key() != r.key() {
			continue
		}
		of++
		if a.Name == r.ScheduledActionName {
			changed := *a
			return &changed, nil
		}
	}
	if of >= maxSchedules {
		return nil, tooMany("scheduled actions of a scalable target", maxSchedules)
	}
	if r.Schedule == "" || r.Action == nil {
		return nil, invalid("Schedule and ScalableTargetAction must be specified for a new scheduled action.")
	}
	arn := fmt.Sprintf("arn:aws:autoscaling:%s:%s:scheduledAction:%s:resource/%s/%s:scheduledActionName/%s", s.Region, s.Account, reply.ID(), namespace, r.ResourceID, r.ScheduledActionName)
	return &scheduled{place: r.place, Name: r.ScheduledActionName, ARN: arn, Created: s.now()}, nil
}

// apply puts what is given into a, and tries its schedule.
func (r *scheduleRequest) apply(a *scheduled) error {
	if r.Schedule != "" {
		a.Schedule = r.Schedule
	}
	if r.Timezone != "" {
		a.Timezone = r.Timezone
	}
	if r.StartTime != nil {
		a.Start = r.StartTime
	}
	if r.EndTime != nil {
		a.End = r.EndTime
	}
	if r.Action != nil {
		a.Min, a.Max = r.Action.MinCapacity, r.Action.MaxCapacity
	}
	switch {
	case a.Min == nil && a.Max == nil:
		return invalid("ScalableTargetAction must have MinCapacity, MaxCapacity or both.")
	case a.Min != nil && a.Max != nil && *a.Min > *a.Max:
		return invalid("Minimum capacity cannot be greater than maximum capacity.")
	case a.Start != nil && a.End != nil && !a.Start.Before(a.End.Time):
		return invalid("StartTime must be before EndTime.")
	}
	_, err := parseSchedule(a.Schedule, a.Timezone)
	return err
}

func (s *Service) describeSchedules(body []byte) (any, error) {
	return s.describe(body, "ScheduledActions", func(f *filter) []map[string]any {
		var all []map[string]any
		for _, arn := range slices.Sorted(maps.Keys(s.schedules)) {
			a := s.schedules[arn]
			if f.matches(a.place) && (len(f.ScheduledNames) == 0 || slices.Contains(f.ScheduledNames, a.Name)) {
				all = append(all, a.describe())
			}
		}
		return all
	})
}

func (a *scheduled) describe() map[string]any {
	o := a.place.describe()
	maps.Copy(o, map[string]any{"ScheduledActionName": a.Name, "ScheduledActionARN": a.ARN, "Schedule": a.Schedule, "CreationTime": a.Created, "ScalableTargetAction": bounds(a.Min, a.Max)})
	if a.Timezone != "" {
		o["Timezone"] = a.Timezone
	}
	if a.Start != nil {
		o["StartTime"] = *a.Start
	}
	if a.End != nil {
		o["EndTime"] = *a.End
	}
	return o
}

func bounds(least, most *int) map[string]int {
	b := map[string]int{}
	if least != nil {
		b["MinCapacity"] = *least
	}
	if most != nil {
		b["MaxCapacity"] = *most
	}
	return b
}

func (s *Service) deleteSchedule(body []byte) (any, error) {
	var r scheduleRequest
	if err := read(body, &r); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for arn, a := range s.schedules {
		if a.key() == r.key() && a.Name == r.ScheduledActionName {
			delete(s.schedules, arn)
			return struct{}{}, s.Store.Delete(scheduleKind, arn)
		}
	}
	return nil, notFound("No scheduled action found for service namespace: %s, resource ID: %s, scalable dimension: %s, scheduled action name: %s", r.ServiceNamespace, r.ResourceID, r.ScalableDimension, r.ScheduledActionName)
}

// due says whether an action happens after last and not after now.
func (a *scheduled) due(last, now time.Time) bool {
	plan, err := parseSchedule(a.Schedule, a.Timezone)
	if err != nil || a.Start != nil && now.Before(a.Start.Time) || a.End != nil && now.After(a.End.Time) {
		return false
	}
	began := a.Created.Time
	if a.Start != nil {
		began = a.Start.Time
	}
	return plan.between(last, now, began)
}

// runSchedules does what is due after last and not after now.
func (s *Service) runSchedules(last, now time.Time) {
	s.mu.Lock()
	changed := map[string]place{}
	for _, arn := range slices.Sorted(maps.Keys(s.schedules)) {
		a := s.schedules[arn]
		t, ok := s.targets[a.key()]
		if !ok || !a.due(last, now) {
			continue
		}
		if isOnce(a.Schedule) {
			delete(s.schedules, arn)
			s.must(s.Store.Delete(scheduleKind, arn))
		}
		if !t.Suspended.ScheduledScalingSuspended {
			s.rebound(t, a)
			changed[a.key()] = a.place
		}
	}
	s.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(changed)) {
		s.work(func() { s.fit(changed[key]) })
	}
}

// rebound sets the bounds of a target; s.mu is held.
func (s *Service) rebound(t *target, a *scheduled) {
	next := *t
	if a.Min != nil {
		next.Min = *a.Min
	}
	if a.Max != nil {
		next.Max = *a.Max
	}
	text := fmt.Sprintf("min capacity to %d and max capacity to %d", next.Min, next.Max)
	done := s.begin(t.place, "Setting "+text, fmt.Sprintf("scheduled action name %s was triggered", a.Name))
	if next.Min > next.Max {
		s.conclude(done, failed, "Failed to set "+text+": the minimum is more than the maximum.")
		return
	}
	s.must(s.keepTarget(&next))
	s.conclude(done, successful, "Successfully set "+text)
}
