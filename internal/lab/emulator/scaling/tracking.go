package scaling

import (
	"fmt"
	"math"
	"strings"

	"betimes/internal/lab/emulator/metrics"
	"betimes/internal/lab/emulator/reply"
)

// The metrics that target tracking knows by name and that are built.
const (
	invocationsPerInstance = "SageMakerVariantInvocationsPerInstance"
	concurrentRequests     = "SageMakerVariantConcurrentRequestsPerModelHighResolution"
)

// trackingConfig keeps a metric near a value.
type trackingConfig struct {
	TargetValue                   *float64
	PredefinedMetricSpecification *struct{ PredefinedMetricType string }
	Customized                    *customMetric `json:"CustomizedMetricSpecification"`
	ScaleOutCooldown              *int
	ScaleInCooldown               *int
	DisableScaleIn                bool
}

// customMetric is a metric of one's own.
type customMetric struct {
	MetricName, Namespace, Statistic, Unit string
	Dimensions                             []struct{ Name, Value string }
	Metrics                                []any
}

// defaultCooldown is AWS's for SageMaker, in seconds.
const defaultCooldown = 300

func orDefault(v *int) int {
	if v == nil {
		return defaultCooldown
	}
	return *v
}

func (c *trackingConfig) check() error {
	var ck reply.Checks
	if c.TargetValue == nil {
		ck.Missing("targetTrackingScalingPolicyConfiguration.targetValue")
	}
	ck.Least("targetTrackingScalingPolicyConfiguration.scaleOutCooldown", c.ScaleOutCooldown, 0)
	ck.Least("targetTrackingScalingPolicyConfiguration.scaleInCooldown", c.ScaleInCooldown, 0)
	if err := ck.Err(); err != nil {
		return err
	}
	switch {
	case *c.TargetValue <= 0:
		return invalid("TargetValue must be greater than 0.")
	case (c.PredefinedMetricSpecification == nil) == (c.Customized == nil):
		return invalid("Give exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification.")
	case c.Customized != nil:
		return c.Customized.check()
	}
	switch kind := c.PredefinedMetricSpecification.PredefinedMetricType; kind {
	case invocationsPerInstance, concurrentRequests:
		return nil
	default:
		return invalid("Predefined metric %s is not built in this emulator for %s; use %s, %s or a customized metric.", kind, dimension, invocationsPerInstance, concurrentRequests)
	}
}

func (m *customMetric) check() error {
	var ck reply.Checks
	if len(m.Metrics) > 0 {
		return invalid("CustomizedMetricSpecification.Metrics (metric math) is not built in this emulator; name one metric.")
	}
	at := "targetTrackingScalingPolicyConfiguration.customizedMetricSpecification."
	ck.Text(at+"metricName", m.MetricName, 255, nil)
	ck.Text(at+"namespace", m.Namespace, 255, nil)
	if m.Statistic == "" {
		ck.Missing(at + "statistic")
	}
	ck.OptionalEnum(at+"statistic", m.Statistic, "Average", "Minimum", "Maximum", "SampleCount", "Sum")
	return ck.Err()
}

// lowShare is where the low alarm stands: this part of the target.
const lowShare = 0.9

// The periods of the alarms.
const (
	minute      = 60 // seconds
	quick       = 10
	highPeriods = 3
	lowPeriods  = 15
	highMark    = "-AlarmHigh-"
	lowMark     = "-AlarmLow-"
)

// watch is the metric of a policy as an alarm looks at it.
func (p *policy) watch(periods int) metrics.Threshold {
	t := metrics.Threshold{Period: minute, Periods: highPeriods, Dimensions: map[string]string{}}
	if m := p.Tracking.Customized; m != nil {
		t.Namespace, t.MetricName, t.Statistic, t.Unit = m.Namespace, m.MetricName, m.Statistic, m.Unit
		for _, d := range m.Dimensions {
			t.Dimensions[d.Name] = d.Value
		}
		return t
	}
	endpoint, variant, _ := p.variant()
	t.Namespace, t.MetricName, t.Statistic = "AWS/SageMaker", "InvocationsPerInstance", "Sum"
	t.Dimensions = map[string]string{"EndpointName": endpoint, "VariantName": variant}
	if p.Tracking.PredefinedMetricSpecification.PredefinedMetricType == concurrentRequests {
		t.MetricName, t.Statistic, t.Period, t.Periods = "ConcurrentRequestsPerModel", "Average", quick, periods
	}
	return t
}

// putAlarms makes the two alarms of target tracking, or changes them; s.mu is held.
func (s *Service) putAlarms(p *policy) error {
	if p.Type != targetTracking {
		return nil
	}
	high := p.watch(s.periods())
	low := high
	high.Comparison, high.Value = "GreaterThanThreshold", *p.Tracking.TargetValue
	low.Comparison, low.Value, low.Period, low.Periods = "LessThanThreshold", *p.Tracking.TargetValue*lowShare, minute, lowPeriods
	wanted := []metrics.Threshold{high, low}
	if p.Tracking.DisableScaleIn {
		wanted = wanted[:1]
	}
	old := p.Alarms
	p.Alarms = []alarm{}
	for i, t := range wanted {
		id := reply.ID()
		t.Name = fmt.Sprintf("TargetTracking-%s%s%s", p.ResourceID, []string{highMark, lowMark}[i], id)
		if i < len(old) {
			t.Name = old[i].AlarmName
		}
		t.Description = fmt.Sprintf("DO NOT EDIT OR DELETE. For TargetTrackingScaling policy %s:createdBy/%s.", p.ARN, id)
		t.Action = p.ARN
		arn, err := s.Alarms.Put(t)
		if err != nil {
			return err
		}
		p.Alarms = append(p.Alarms, alarm{t.Name, arn})
	}
	for i := len(wanted); i < len(old); i++ {
		if err := s.Alarms.Delete(old[i].AlarmName); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) periods() int {
	if s.Periods > 0 {
		return s.Periods
	}
	return DefaultPeriods
}

// proportion is how many instances bring the metric to its target.
func (c *trackingConfig) proportion(current int, value float64) int {
	return int(math.Ceil(float64(current) * value / *c.TargetValue))
}

func isLow(alarm string) bool { return strings.Contains(alarm, lowMark) }
