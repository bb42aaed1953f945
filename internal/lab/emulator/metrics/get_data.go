package metrics

import (
	"encoding/base64"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"time"

	"betimes/internal/lab/emulator/reply"
)

// metricStat is what to compute of one metric.
type metricStat struct {
	Metric name
	Period whole
	Stat   string
	Unit   string
}

// dataQuery is a member of GetMetricData and PutMetricAlarm.
type dataQuery struct {
	ID         string `json:"Id"`
	MetricStat *metricStat
	Expression string
	Label      string
	ReturnData *flag
}

type getDataRequest struct {
	MetricDataQueries  []dataQuery
	StartTime, EndTime *moment
	ScanBy, NextToken  string
	MaxDatapoints      *whole
}

var queryID = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]*$`)

// The limits of GetMetricData.
const (
	maxQueries = 500
	maxPoints  = 100_800
)

func (r *getDataRequest) check() error {
	var c reply.Checks
	if len(r.MetricDataQueries) == 0 {
		c.Missing("metricDataQueries")
	}
	c.Length("metricDataQueries", len(r.MetricDataQueries), 0, maxQueries)
	c.OptionalEnum("scanBy", r.ScanBy, "TimestampDescending", "TimestampAscending")
	seen := map[string]bool{}
	for i := range r.MetricDataQueries {
		q := &r.MetricDataQueries[i]
		if err := q.check(&c, fmt.Sprintf("metricDataQueries.%d.member.", i+1)); err != nil {
			return err
		}
		if seen[q.ID] {
			return reply.Validation("The values for parameter Id in MetricDataQueries are not unique: %s.", q.ID)
		}
		seen[q.ID] = true
	}
	if r.StartTime == nil {
		c.Missing("startTime")
	}
	if r.EndTime == nil {
		c.Missing("endTime")
	}
	if err := c.Err(); err != nil {
		return err
	}
	if !r.StartTime.Before(r.EndTime.Time) {
		return reply.Validation("The parameter StartTime must be less than the parameter EndTime.")
	}
	return nil
}

func (q *dataQuery) check(c *reply.Checks, at string) error {
	c.Text(at+"id", q.ID, 255, nil)
	if q.ID != "" && !queryID.MatchString(q.ID) {
		c.Add(q.ID, at+"id", "Member must satisfy regular expression pattern: %s", queryID)
	}
	switch {
	case q.Expression != "":
		return notBuilt("Metric math (Expression)")
	case q.MetricStat == nil:
		c.Missing(at + "metricStat")
		return nil
	}
	at += "metricStat."
	q.MetricStat.check(c, at)
	return nil
}

func (m *metricStat) check(c *reply.Checks, at string) {
	c.Text(at+"metric.namespace", m.Metric.Namespace, 255, nil)
	c.Text(at+"metric.metricName", m.Metric.MetricName, 255, nil)
	c.OptionalEnum(at+"unit", m.Unit, units...)
	checkDimensions(c, at+"metric.", m.Metric.Dimensions)
	if !validStatistic(m.Stat) {
		c.Add(m.Stat, at+"stat", "Member must be SampleCount, Average, Sum, Minimum, Maximum or a percentile like p99")
	}
	if !validPeriod(int(m.Period)) {
		c.Add(int(m.Period), at+"period", "Member must be 1, 5, 10, 30 or a multiple of 60")
	}
}

func validPeriod(seconds int) bool {
	return slices.Contains([]int{1, 5, 10, 20, 30}, seconds) || seconds > 0 && seconds%60 == 0 && seconds <= 86400*365
}

// getMetricData is GetMetricData, without metric math.
func (s *Service) getMetricData(body []byte) (object, error) {
	var r getDataRequest
	if err := decode(body, &r); err != nil {
		return nil, err
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	skip, err := readToken(r.NextToken)
	if err != nil {
		return nil, err
	}
	s.collect(false)
	s.mu.Lock()
	defer s.mu.Unlock()
	room := maxPoints
	if r.MaxDatapoints != nil && *r.MaxDatapoints > 0 {
		room = min(room, int(*r.MaxDatapoints))
	}
	results, left := s.page(&r, skip, room)
	answer := object{"MetricDataResults": results, "Messages": []any{}}
	if left {
		answer["NextToken"] = writeToken(skip + room)
	}
	return answer, nil
}

// page answers every query that wants it with those of its points that are
// among the room points after skip, counted over all queries; s.mu is held.
func (s *Service) page(r *getDataRequest, skip, room int) (results []any, left bool) {
	results = []any{}
	for i := range r.MetricDataQueries {
		q := &r.MetricDataQueries[i]
		if q.ReturnData != nil && !bool(*q.ReturnData) {
			continue
		}
		all := s.points(q.MetricStat, r.StartTime.Time, r.EndTime.Time)
		if r.ScanBy != "TimestampAscending" {
			slices.Reverse(all)
		}
		from, to := min(skip, len(all)), min(skip+room, len(all))
		results = append(results, result(q, all[from:to], to < len(all)))
		left = left || to < len(all)
		skip -= from
		room -= to - from
	}
	return results, left
}

func result(q *dataQuery, page []value, more bool) object {
	times, values := make([]any, len(page)), make([]any, len(page))
	for i, p := range page {
		times[i], values[i] = reply.At(p.at), p.v
	}
	label := q.Label
	if label == "" {
		label = q.MetricStat.Metric.MetricName
	}
	status := "Complete"
	if more {
		status = "PartialData"
	}
	return object{"Id": q.ID, "Label": label, "Timestamps": times, "Values": values, "StatusCode": status}
}

// value is a statistic of the period that begins at a moment.
type value struct {
	at time.Time
	v  float64
}

// points computes a statistic per period, oldest first; s.mu is held.
func (s *Service) points(m *metricStat, from, to time.Time) []value {
	var all []value
	s.periods(m.Metric, m.Unit, from, to, int64(m.Period), func(at int64, sum *summary, _ string) {
		if v, ok := sum.statistic(m.Stat); ok {
			all = append(all, value{time.Unix(at, 0).UTC(), v})
		}
	})
	return all
}

// periods calls f for every period in [from, to) that has data, oldest first; s.mu is held.
func (s *Service) periods(n name, unit string, from, to time.Time, period int64, f func(at int64, sum *summary, unit string)) {
	m := s.metrics[n.key()]
	if m == nil {
		return
	}
	sums := map[int64]*summary{}
	m.each(floor(from.Unix(), period), to.Unix(), period%60 != 0, unit, func(p *point) {
		at := floor(p.At, period)
		if sums[at] == nil {
			sums[at] = &summary{}
		}
		sums[at].merge(&p.summary)
	})
	for _, at := range slices.Sorted(maps.Keys(sums)) {
		f(at, sums[at], m.unitOf(unit))
	}
}

func floor(second, period int64) int64 {
	return second - (second%period+period)%period
}

// writeToken makes the token of the page that begins after n.
func writeToken(n int) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(n)))
}

func readToken(token string) (int, error) {
	if token == "" {
		return 0, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	n := 0
	if err == nil {
		n, err = strconv.Atoi(string(raw))
	}
	if err != nil || n < 0 || n > 1<<40 {
		e := reply.Validation("The next token is not valid.")
		e.Type = "InvalidNextToken"
		return 0, e
	}
	return n, nil
}
