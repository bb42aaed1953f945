package control

import (
	"errors"
	"fmt"
	"time"

	"betimes/internal/lab/emulator/fleet"
	"betimes/internal/lab/emulator/injection"
)

// alarmPoll is how often alarms are looked at.
const alarmPoll = 10 * time.Second

const errTooLong = fleet.Said("The deployment took longer than MaximumExecutionTimeoutInSeconds and was rolled back.")

// bake waits and watches the alarms.
func (r *rollout) bake(step shift) error {
	if step.wait > 0 {
		r.phase("Baking", func(v served) string {
			n := part(v.Desired, step.share)
			capacity := "full capacity"
			if step.share < 1 {
				capacity = "canary capacity"
			}
			return fmt.Sprintf("Baking for %d seconds (%s) with traffic enabled on %s of %d instance(s).", int(step.wait.Seconds()), step.name, capacity, n)
		})
	}
	end := r.Clock.Now().Add(r.Pace.Wait(step.wait))
	for {
		if err := r.alarmed(); err != nil {
			return err
		}
		now := r.Clock.Now()
		if !r.until.IsZero() && !now.Before(r.until) {
			return errTooLong
		}
		left := end.Sub(now)
		if left <= 0 {
			return nil
		}
		pause := min(left, max(r.Pace.Wait(alarmPoll), time.Millisecond))
		if !r.until.IsZero() {
			pause = min(pause, r.until.Sub(now))
		}
		if err := r.Clock.Sleep(r.l, pause); err != nil {
			return err
		}
	}
}

// inAlarm is the state of an alarm that ends a deployment.
const inAlarm = "ALARM"

// alarmed is the reason to roll back that CloudWatch gives, or nil.
func (r *rollout) alarmed() error {
	if r.Alarms == nil {
		return nil
	}
	for _, name := range r.policy.alarms() {
		if state, _ := r.Alarms.StateOf(name); state == inAlarm {
			return fleet.Said(fmt.Sprintf("The deployment was rolled back because the CloudWatch alarm %q is in state ALARM.", name))
		}
	}
	return nil
}

// spoiled is a fault of the fleet that somebody asked for, or nil.
func (r *rollout) spoiled() error {
	for _, v := range r.next.Variants {
		f := r.fault(v.Name)
		switch {
		case f == nil:
		case f.Fault == injection.Capacity:
			return errCapacity
		case f.Fault == injection.Health:
			return variantError(v.Name, fleet.ErrHealth)
		}
	}
	return nil
}

// fault finds a fault of a variant's fleet and notes it.
func (r *rollout) fault(variant string) *injection.Fault {
	w := injection.Where{Operation: "UpdateEndpoint", Endpoint: r.e.Name, Variant: variant}
	if r.first {
		w.Operation = "CreateEndpoint"
	}
	return r.faultAt(w, injection.Capacity, injection.Health)
}

// errSilent ends a deployment without a reason.
var errSilent = errors.New("")

// injected is a rollback that somebody asked for, or nil.
func (r *rollout) injected() error {
	f := r.faultAt(injection.Where{Operation: "UpdateEndpoint", Endpoint: r.e.Name}, injection.Rollback, injection.SilentRollback)
	switch {
	case f == nil:
		return nil
	case f.Fault == injection.SilentRollback:
		return errSilent
	}
	return fleet.Said("The deployment was rolled back.")
}
