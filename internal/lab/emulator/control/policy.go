package control

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"betimes/internal/lab/emulator/reply"
)

// deployment is a DeploymentConfig: how traffic moves to a new fleet. The zero
// deployment moves it all at once.
type deployment struct {
	BlueGreenUpdatePolicy     *blueGreen
	RollingUpdatePolicy       *rolling
	AutoRollbackConfiguration struct{ Alarms []struct{ AlarmName string } }
}

type blueGreen struct {
	TrafficRoutingConfiguration *struct {
		Type                       string
		WaitIntervalInSeconds      *int
		CanarySize, LinearStepSize *capacitySize
	}
	TerminationWaitInSeconds         *int
	MaximumExecutionTimeoutInSeconds *int
}

type rolling struct {
	MaximumBatchSize, RollbackMaximumBatchSize *capacitySize
	WaitIntervalInSeconds                      *int
	MaximumExecutionTimeoutInSeconds           *int
}

// capacitySize is a part of a fleet: percent of it, or instances.
type capacitySize struct {
	Type  string
	Value *int
}

const (
	instanceCount   = "INSTANCE_COUNT"
	capacityPercent = "CAPACITY_PERCENT"

	allAtOnce = "ALL_AT_ONCE"
	canary    = "CANARY"
	linear    = "LINEAR"
)

// readDeployment reads what was checked, or will be.
func readDeployment(raw json.RawMessage) (*deployment, error) {
	d := &deployment{}
	if len(raw) == 0 {
		return d, nil
	}
	return d, reply.Decode(raw, d)
}

func (d *deployment) check() error {
	var c reply.Checks
	const at = "deploymentConfig."
	if d.BlueGreenUpdatePolicy != nil {
		d.BlueGreenUpdatePolicy.check(&c, at+"blueGreenUpdatePolicy.")
	}
	if d.RollingUpdatePolicy != nil {
		d.RollingUpdatePolicy.check(&c, at+"rollingUpdatePolicy.")
	}
	c.Length(at+"autoRollbackConfiguration.alarms", len(d.AutoRollbackConfiguration.Alarms), 0, 10)
	for i, a := range d.AutoRollbackConfiguration.Alarms {
		c.Text(fmt.Sprintf("%sautoRollbackConfiguration.alarms.%d.member.alarmName", at, i+1), a.AlarmName, 255, alarmName)
	}
	if err := c.Err(); err != nil {
		return err
	}
	return d.sound()
}

// sound refuses what the shapes allow and the documentation does not.
func (d *deployment) sound() error {
	if d.BlueGreenUpdatePolicy != nil && d.RollingUpdatePolicy != nil {
		return reply.Validation("You can specify only one of BlueGreenUpdatePolicy and RollingUpdatePolicy in DeploymentConfig.")
	}
	if g := d.BlueGreenUpdatePolicy; g != nil {
		switch t := g.TrafficRoutingConfiguration; {
		case t.Type == canary && t.CanarySize == nil:
			return reply.Validation("You must provide CanarySize when the traffic routing type is CANARY.")
		case t.Type == linear && t.LinearStepSize == nil:
			return reply.Validation("You must provide LinearStepSize when the traffic routing type is LINEAR.")
		case t.Type != canary && t.CanarySize != nil:
			return reply.Validation("CanarySize is for the traffic routing type CANARY only.")
		case t.Type != linear && t.LinearStepSize != nil:
			return reply.Validation("LinearStepSize is for the traffic routing type LINEAR only.")
		}
	}
	if limit := d.limit(); limit > 0 && d.waits() >= limit {
		return reply.Validation("MaximumExecutionTimeoutInSeconds must be larger than the total waiting time of the deployment.")
	}
	return nil
}

func (g *blueGreen) check(c *reply.Checks, at string) {
	c.Between(at+"terminationWaitInSeconds", g.TerminationWaitInSeconds, 0, 3600)
	c.Between(at+"maximumExecutionTimeoutInSeconds", g.MaximumExecutionTimeoutInSeconds, 600, 28800)
	at += "trafficRoutingConfiguration"
	t := g.TrafficRoutingConfiguration
	if t == nil {
		c.Missing(at)
		return
	}
	c.Enum(at+".type", t.Type, allAtOnce, canary, linear)
	c.RequiredBetween(at+".waitIntervalInSeconds", t.WaitIntervalInSeconds, 0, 3600)
	t.CanarySize.check(c, at+".canarySize")
	t.LinearStepSize.check(c, at+".linearStepSize")
}

func (r *rolling) check(c *reply.Checks, at string) {
	if r.MaximumBatchSize == nil {
		c.Missing(at + "maximumBatchSize")
	}
	r.MaximumBatchSize.check(c, at+"maximumBatchSize")
	r.RollbackMaximumBatchSize.check(c, at+"rollbackMaximumBatchSize")
	c.RequiredBetween(at+"waitIntervalInSeconds", r.WaitIntervalInSeconds, 0, 3600)
	c.Between(at+"maximumExecutionTimeoutInSeconds", r.MaximumExecutionTimeoutInSeconds, 600, 28800)
}

func (z *capacitySize) check(c *reply.Checks, at string) {
	if z == nil {
		return
	}
	c.Enum(at+".type", z.Type, instanceCount, capacityPercent)
	c.RequiredBetween(at+".value", z.Value, 1, math.MaxInt32)
}

// within refuses a part that is smaller or larger than the documentation allows, for a variant of n instances.
func (z *capacitySize) within(member string, n, least, most int) error {
	if z == nil {
		return nil
	}
	if percent := 100 * z.share(n); percent < float64(least) || percent > float64(most) {
		return reply.Validation("%s must be between %d%% and %d%% of the variant's total instance count, which is %d.", member, least, most, n)
	}
	return nil
}

// fits checks the sizes against the fleets they are parts of.
func (d *deployment) fits(plan []served) error {
	for _, v := range plan {
		var err error
		switch g, r := d.BlueGreenUpdatePolicy, d.RollingUpdatePolicy; {
		case g != nil && g.TrafficRoutingConfiguration.Type == canary:
			err = g.TrafficRoutingConfiguration.CanarySize.within("CanarySize", v.Desired, 0, 50)
		case g != nil:
			err = g.TrafficRoutingConfiguration.LinearStepSize.within("LinearStepSize", v.Desired, 10, 50)
		case r != nil:
			if err = r.MaximumBatchSize.within("MaximumBatchSize", v.Desired, 5, 50); err == nil {
				err = r.RollbackMaximumBatchSize.within("RollbackMaximumBatchSize", v.Desired, 5, 100)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *deployment) alarms() []string {
	var names []string
	for _, a := range d.AutoRollbackConfiguration.Alarms {
		names = append(names, a.AlarmName)
	}
	return names
}

func seconds(n *int) time.Duration {
	if n == nil {
		return 0
	}
	return time.Duration(*n) * time.Second
}
