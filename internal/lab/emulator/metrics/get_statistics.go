package metrics

import (
	"slices"
	"strings"
	"time"

	"betimes/internal/lab/emulator/reply"
)

type statisticsRequest struct {
	name
	StartTime, EndTime             *moment
	Period                         *whole
	Statistics, ExtendedStatistics []string
	Unit                           string
}

// maxDatapoints is the most that GetMetricStatistics answers.
const maxDatapoints = 1440

func (r *statisticsRequest) check() error {
	var c reply.Checks
	c.Text("namespace", r.Namespace, 255, nil)
	c.Text("metricName", r.MetricName, 255, nil)
	c.OptionalEnum("unit", r.Unit, units...)
	checkDimensions(&c, "", r.Dimensions)
	for _, s := range r.Statistics {
		c.OptionalEnum("statistics", s, plainStatistics...)
	}
	if err := c.Err(); err != nil {
		return err
	}
	switch {
	case r.StartTime == nil:
		return missing("StartTime")
	case r.EndTime == nil:
		return missing("EndTime")
	case r.Period == nil:
		return missing("Period")
	case len(r.Statistics)+len(r.ExtendedStatistics) == 0:
		return combination("Must specify either Statistics or ExtendedStatistics")
	case len(r.Statistics) > 0 && len(r.ExtendedStatistics) > 0:
		return combination("Must specify either Statistics or ExtendedStatistics, not both")
	case !r.StartTime.Before(r.EndTime.Time):
		return invalid("The parameter StartTime must be less than the parameter EndTime.")
	case !validPeriod(int(*r.Period)):
		return invalid("The parameter Period must be 1, 5, 10, 30 or a multiple of 60.")
	}
	for _, p := range r.ExtendedStatistics {
		if _, ok := percentile(p); !ok {
			return invalid("The value %s for parameter ExtendedStatistics is not supported; this emulator has percentiles like p99.", p)
		}
	}
	if wanted := r.EndTime.Sub(r.StartTime.Time) / (time.Duration(*r.Period) * time.Second); wanted > maxDatapoints {
		return combination("You have requested up to %d datapoints, which exceeds the limit of %d. You may reduce the datapoints requested by increasing Period, or decreasing the time range.", wanted, maxDatapoints)
	}
	return nil
}

// getMetricStatistics is GetMetricStatistics; its data points have no order.
func (s *Service) getMetricStatistics(body []byte) (object, error) {
	var r statisticsRequest
	if err := decode(body, &r); err != nil {
		return nil, err
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	s.collect(false)
	s.mu.Lock()
	defer s.mu.Unlock()
	points := []any{}
	s.periods(r.name, r.Unit, r.StartTime.Time, r.EndTime.Time, int64(*r.Period), func(at int64, sum *summary, unit string) {
		points = append(points, r.datapoint(at, sum, unit))
	})
	return object{"Label": r.MetricName, "Datapoints": points}, nil
}

func (r *statisticsRequest) datapoint(at int64, sum *summary, unit string) object {
	p := object{"Timestamp": reply.At(time.Unix(at, 0).UTC())}
	if unit != "" {
		p["Unit"] = unit
	}
	for _, stat := range r.Statistics {
		p[stat], _ = sum.statistic(stat) // there is data
	}
	extended := object{}
	for _, stat := range r.ExtendedStatistics {
		if v, ok := sum.statistic(stat); ok {
			extended[stat] = v
		}
	}
	if len(extended) > 0 {
		p[entries] = extended
	}
	return p
}

type listRequest struct {
	Namespace, MetricName string
	Dimensions            []dimension
	NextToken             string
	RecentlyActive        string
}

// The page of ListMetrics, and how long a metric is listed without new data.
const (
	metricsPage = 500
	listed      = 14 * 24 * time.Hour
	recently    = 3 * time.Hour
)

// listMetrics is ListMetrics: a dimension without a value matches every value.
func (s *Service) listMetrics(body []byte) (object, error) {
	var r listRequest
	if err := decode(body, &r); err != nil {
		return nil, err
	}
	skip, err := readToken(r.NextToken)
	if err != nil {
		return nil, err
	}
	since := listed
	if r.RecentlyActive != "" {
		if r.RecentlyActive != "PT3H" {
			return nil, invalid("The value %s for parameter RecentlyActive is invalid. Valid value is PT3H.", r.RecentlyActive)
		}
		since = recently
	}
	s.collect(false)
	s.mu.Lock()
	defer s.mu.Unlock()
	active := s.Clock.Now().Add(-since).Unix()
	var keys []string
	for key, m := range s.metrics {
		if m.latest >= active && r.matches(&m.name) {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, strings.Compare)
	page := keys[min(skip, len(keys)):min(skip+metricsPage, len(keys))]
	found := make([]any, len(page))
	for i, key := range page {
		found[i] = s.metrics[key].name.describe()
	}
	answer := object{"Metrics": found}
	if skip+metricsPage < len(keys) {
		answer["NextToken"] = writeToken(skip + metricsPage)
	}
	return answer, nil
}

func (r *listRequest) matches(n *name) bool {
	if r.Namespace != "" && r.Namespace != n.Namespace || r.MetricName != "" && r.MetricName != n.MetricName {
		return false
	}
	for _, want := range r.Dimensions {
		if !slices.ContainsFunc(n.Dimensions, func(d dimension) bool { return d.Name == want.Name && (want.Value == "" || d.Value == want.Value) }) {
			return false
		}
	}
	return true
}
