package metrics

import (
	"encoding/json"
	"fmt"
	"slices"

	"betimes/internal/lab/emulator/reply"
)

// alarmRequest is PutMetricAlarm.
type alarmRequest struct {
	AlarmName, AlarmDescription                                   string
	ActionsEnabled                                                *flag `json:",omitempty"`
	OKActions, AlarmActions, InsufficientDataActions              []string
	Statistic, ExtendedStatistic, Unit                            string
	name                                                          // of the metric
	Period, EvaluationPeriods, DatapointsToAlarm                  *whole
	Threshold                                                     *number
	ComparisonOperator, TreatMissingData, ThresholdMetricID       string
	EvaluateLowSampleCountPercentile                              string
	Metrics                                                       []dataQuery
	EvaluationCriteria, WarmUpConfiguration, EvaluationWindowPlan json.RawMessage `json:",omitempty"`
}

func (r *alarmRequest) acts() bool { return r.ActionsEnabled == nil || bool(*r.ActionsEnabled) }

func (r *alarmRequest) actions() []string {
	return slices.Concat(r.OKActions, r.AlarmActions, r.InsufficientDataActions)
}

// watched is the metric and statistic that the alarm looks at.
func (r *alarmRequest) watched() metricStat {
	if len(r.Metrics) > 0 {
		return *r.Metrics[0].MetricStat
	}
	return metricStat{Metric: r.name, Period: *r.Period, Stat: r.Statistic + r.ExtendedStatistic, Unit: r.Unit}
}

// needed is how many of the looked-at data points must breach.
func (r *alarmRequest) needed() int {
	if r.DatapointsToAlarm != nil {
		return int(*r.DatapointsToAlarm)
	}
	return int(*r.EvaluationPeriods)
}

var comparisons = []string{"GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold"}

func (r *alarmRequest) check() error {
	var c reply.Checks
	c.Text("alarmName", r.AlarmName, 255, nil)
	c.OptionalText("alarmDescription", r.AlarmDescription, 1024, nil)
	for path, actions := range map[string][]string{"oKActions": r.OKActions, "alarmActions": r.AlarmActions, "insufficientDataActions": r.InsufficientDataActions} {
		c.Length(path, len(actions), 0, 5)
	}
	if r.ComparisonOperator == "" {
		c.Missing("comparisonOperator")
	}
	c.OptionalEnum("comparisonOperator", r.ComparisonOperator, comparisons...)
	c.OptionalEnum("treatMissingData", r.TreatMissingData, "missing", "notBreaching", "breaching", "ignore")
	c.OptionalEnum("statistic", r.Statistic, plainStatistics...)
	if r.EvaluationPeriods == nil {
		c.Missing("evaluationPeriods")
	}
	if r.Threshold == nil {
		c.Missing("threshold")
	}
	if err := r.checkMetric(&c); err != nil {
		return err
	}
	if err := c.Err(); err != nil {
		return err
	}
	return r.checkPeriods()
}

// checkMetric checks which metric is looked at: one by name, or one query.
func (r *alarmRequest) checkMetric(c *reply.Checks) error {
	switch {
	case r.EvaluationCriteria != nil:
		return notBuilt("EvaluationCriteria")
	case r.ThresholdMetricID != "":
		return notBuilt("ThresholdMetricId (anomaly detection)")
	case len(r.Metrics) > 1:
		return notBuilt("More than one member of Metrics (metric math)")
	case len(r.Metrics) == 1:
		if r.MetricName != "" || r.Period != nil {
			return combination("If you specify Metrics, you cannot specify MetricName, Namespace, Dimensions, Period, Unit, Statistic or ExtendedStatistic.")
		}
		return r.Metrics[0].check(c, "metrics.1.member.")
	}
	c.Text("metricName", r.MetricName, 255, nil)
	c.Text("namespace", r.Namespace, 255, nil)
	c.OptionalEnum("unit", r.Unit, units...)
	checkDimensions(c, "", r.Dimensions)
	if r.Period == nil {
		c.Missing("period")
	}
	if (r.Statistic == "") == (r.ExtendedStatistic == "") {
		return combination("Exactly one of Statistic and ExtendedStatistic must be specified.")
	}
	if _, ok := percentile(r.ExtendedStatistic); r.ExtendedStatistic != "" && !ok {
		return invalid("The value %s for parameter ExtendedStatistic is not supported; this emulator has percentiles like p99.", r.ExtendedStatistic)
	}
	return nil
}

// checkPeriods checks how far back the alarm looks.
func (r *alarmRequest) checkPeriods() error {
	period, periods := int(r.watched().Period), int(*r.EvaluationPeriods)
	switch {
	case !slices.Contains([]int{10, 20, 30}, period) && (period < 60 || period%60 != 0):
		return invalid("Period must be 10, 20, 30 or a multiple of 60; it is %d.", period)
	case periods < 1:
		return invalid("EvaluationPeriods must be at least 1; it is %d.", periods)
	case r.needed() < 1 || r.needed() > periods:
		return invalid("DatapointsToAlarm must be between 1 and EvaluationPeriods; it is %d.", r.needed())
	case period*periods > 7*86400 || period < 3600 && period*periods > 86400:
		return invalid("Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400), or a week for periods of an hour and more.")
	}
	return nil
}

// putMetricAlarm is PutMetricAlarm: a new alarm begins without data, one that
// is changed keeps its state.
func (s *Service) putMetricAlarm(body []byte) (object, error) {
	var r alarmRequest
	if err := decode(body, &r); err != nil {
		return nil, err
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	return object{}, s.putAlarm(r)
}

// Threshold is an alarm on one metric, as scaling makes them.
type Threshold struct {
	Name, Description     string
	Namespace, MetricName string
	Dimensions            map[string]string
	Statistic, Unit       string
	Period, Periods       int // seconds; how many
	Comparison            string
	Value                 float64
	Action                string // what is told in ALARM
}

// Put makes an alarm, or changes it, and gives its ARN.
func (s *Service) Put(t Threshold) (string, error) {
	period, periods, threshold := whole(t.Period), whole(t.Periods), number(t.Value)
	r := alarmRequest{
		AlarmName: t.Name, AlarmDescription: t.Description, AlarmActions: []string{t.Action},
		name: name{t.Namespace, t.MetricName, dimensions(t.Dimensions)}, Statistic: t.Statistic, Unit: t.Unit,
		Period: &period, EvaluationPeriods: &periods, Threshold: &threshold, ComparisonOperator: t.Comparison,
	}
	if err := r.check(); err != nil {
		return "", err
	}
	return s.arn(t.Name), s.putAlarm(r)
}

func dimensions(values map[string]string) []dimension {
	all := []dimension{}
	for n, v := range values {
		all = append(all, dimension{n, v})
	}
	slices.SortFunc(all, func(a, b dimension) int { return compare(a.Name, b.Name) })
	return all
}

func (s *Service) arn(name string) string {
	return fmt.Sprintf("arn:aws:cloudwatch:%s:%s:alarm:%s", s.Region, s.Account, name)
}

func (s *Service) putAlarm(r alarmRequest) error {
	now := s.now()
	s.mu.Lock()
	a, summary := &alarm{ARN: s.arn(r.AlarmName), State: InsufficientData, Reason: "Unchecked: Initial alarm creation", Updated: now, Transitioned: now}, ""
	if old, ok := s.alarms[r.AlarmName]; ok {
		changed := *old
		a, summary = &changed, fmt.Sprintf("Alarm %q updated", r.AlarmName)
	} else {
		summary = fmt.Sprintf("Alarm %q created", r.AlarmName)
	}
	a.Request, a.Configured = r, now
	a.note(now, "ConfigurationUpdate", summary, map[string]any{"version": "1.0", "type": "Update", "updatedAlarm": a.Request.AlarmName})
	err := s.Store.Put(alarmKind, r.AlarmName, a)
	if err == nil {
		s.alarms[r.AlarmName] = a
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	s.collect(false)
	s.evaluate(r.AlarmName, s.Clock.Now().Truncate(tick))
	return nil
}
