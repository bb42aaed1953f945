package control

import (
	"math"
	"time"
)

// share is the part of n instances, above 0.
func (z *capacitySize) share(n int) float64 {
	if z.Type == instanceCount {
		return float64(*z.Value) / float64(max(1, n))
	}
	return float64(*z.Value) / 100
}

// shift is one step of a deployment: traffic on a share of the new fleet, then a wait.
type shift struct {
	share float64
	wait  time.Duration
	name  string // of the member that says how long
}

// shifts are the steps of a blue/green deployment to n instances.
func (d *deployment) shifts(n int) []shift {
	g := d.BlueGreenUpdatePolicy
	if g == nil {
		return []shift{{share: 1}}
	}
	t := g.TrafficRoutingConfiguration
	wait := seconds(t.WaitIntervalInSeconds)
	var all []shift
	switch t.Type {
	case canary:
		all = []shift{{t.CanarySize.share(n), wait, "WaitIntervalInSeconds"}, {share: 1}}
	case linear:
		all = evenly(t.LinearStepSize.share(n), wait)
	default:
		all = []shift{{1, wait, "WaitIntervalInSeconds"}}
	}
	return append(all, shift{1, seconds(g.TerminationWaitInSeconds), "TerminationWaitInSeconds"})
}

// batches are the steps of a rolling deployment to n instances.
func (r *rolling) batches(n int) []shift {
	return evenly(r.MaximumBatchSize.share(n), seconds(r.WaitIntervalInSeconds))
}

func evenly(step float64, wait time.Duration) []shift {
	var all []shift
	for i := 1; ; i++ {
		share := math.Min(1, step*float64(i))
		all = append(all, shift{share, wait, "WaitIntervalInSeconds"})
		if share > 1-1e-9 {
			all[i-1].share = 1
			return all
		}
	}
}

// part is how many of n instances a share is: at least one.
func part(n int, share float64) int { return min(n, max(1, int(math.Ceil(float64(n)*share-1e-9)))) }

// limit is how long a deployment may take; 0: no limit.
func (d *deployment) limit() time.Duration {
	switch {
	case d.BlueGreenUpdatePolicy != nil:
		return seconds(d.BlueGreenUpdatePolicy.MaximumExecutionTimeoutInSeconds)
	case d.RollingUpdatePolicy != nil:
		return seconds(d.RollingUpdatePolicy.MaximumExecutionTimeoutInSeconds)
	}
	return 0
}

// waits is the least time that baking takes, whatever the fleet's size.
func (d *deployment) waits() time.Duration {
	g := d.BlueGreenUpdatePolicy
	if g == nil {
		return seconds(d.RollingUpdatePolicy.WaitIntervalInSeconds)
	}
	return seconds(g.TrafficRoutingConfiguration.WaitIntervalInSeconds) + seconds(g.TerminationWaitInSeconds)
}
