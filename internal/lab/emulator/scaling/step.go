package scaling

import (
	"math"

	"betimes/internal/lab/emulator/reply"
)

// The ways a step changes capacity.
const (
	changeIn  = "ChangeInCapacity"
	percentOf = "PercentChangeInCapacity"
	exact     = "ExactCapacity"
)

// stepConfig changes capacity by how far an alarm's metric is beyond its threshold.
type stepConfig struct {
	AdjustmentType         string
	StepAdjustments        []step
	MinAdjustmentMagnitude *int
	Cooldown               *int
	Aggregation            string `json:"MetricAggregationType"`
}

// step holds between two distances from the threshold; nil is infinity.
type step struct {
	Lower      *float64 `json:"MetricIntervalLowerBound"`
	Upper      *float64 `json:"MetricIntervalUpperBound"`
	Adjustment *int     `json:"ScalingAdjustment"`
}

func (c *stepConfig) check() error {
	var ck reply.Checks
	at := "stepScalingPolicyConfiguration."
	if c.AdjustmentType == "" {
		ck.Missing(at + "adjustmentType")
	}
	ck.OptionalEnum(at+"adjustmentType", c.AdjustmentType, changeIn, percentOf, exact)
	ck.OptionalEnum(at+"metricAggregationType", c.Aggregation, "Average", "Minimum", "Maximum")
	ck.Least(at+"cooldown", c.Cooldown, 0)
	for _, s := range c.StepAdjustments {
		if s.Adjustment == nil {
			ck.Missing(at + "stepAdjustments.scalingAdjustment")
		}
	}
	if err := ck.Err(); err != nil {
		return err
	}
	switch n := len(c.StepAdjustments); {
	case n == 0:
		return invalid("At least one StepAdjustment must be specified.")
	case n > maxSteps:
		return tooMany("step adjustments of a policy", maxSteps)
	}
	return c.checkBounds()
}

// checkBounds refuses steps that overlap or hold nowhere.
func (c *stepConfig) checkBounds() error {
	for i, a := range c.StepAdjustments {
		if a.low() >= a.high() {
			return invalid("The lower bound of a step must be less than its upper bound.")
		}
		if c.AdjustmentType == exact && *a.Adjustment < 0 {
			return invalid("ExactCapacity must not be negative.")
		}
		for _, b := range c.StepAdjustments[:i] {
			if a.low() < b.high() && b.low() < a.high() {
				return invalid("Step adjustment intervals cannot overlap.")
			}
		}
	}
	return nil
}

func (s *step) low() float64 {
	if s.Lower == nil {
		return math.Inf(-1)
	}
	return *s.Lower
}

func (s *step) high() float64 {
	if s.Upper == nil {
		return math.Inf(1)
	}
	return *s.Upper
}

// holds: above the threshold a step's lower bound belongs to it, below the upper one.
func (s *step) holds(beyond float64) bool {
	if beyond >= 0 {
		return s.low() <= beyond && beyond < s.high()
	}
	return s.low() < beyond && beyond <= s.high()
}

// adjusted is the capacity that the step at beyond asks for; false: there is no such step.
func (c *stepConfig) adjusted(current int, beyond float64) (int, bool) {
	for i := range c.StepAdjustments {
		if s := &c.StepAdjustments[i]; s.holds(beyond) {
			return c.apply(current, *s.Adjustment), true
		}
	}
	return current, false
}

func (c *stepConfig) apply(current, by int) int {
	switch c.AdjustmentType {
	case exact:
		return by
	case percentOf:
		by = c.atLeast(roundStep(float64(current) * float64(by) / 100))
	}
	return max(current+by, 0)
}

// roundStep is AWS's rounding: towards 0, but never to 0.
func roundStep(v float64) int {
	switch {
	case v > 0 && v < 1:
		return 1
	case v < 0 && v > -1:
		return -1
	}
	return int(v)
}

// atLeast is a change of at least MinAdjustmentMagnitude instances.
func (c *stepConfig) atLeast(by int) int {
	if c.MinAdjustmentMagnitude == nil || by == 0 {
		return by
	}
	if by < 0 {
		return min(by, -*c.MinAdjustmentMagnitude)
	}
	return max(by, *c.MinAdjustmentMagnitude)
}
