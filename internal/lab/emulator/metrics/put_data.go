package metrics

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"betimes/internal/lab/emulator/reply"
)

// units are those of the model.
var units = []string{
	"Seconds", "Microseconds", "Milliseconds", "Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes", "Bits", "Kilobits", "Megabits", "Gigabits", "Terabits",
	"Percent", "Count", "Bytes/Second", "Kilobytes/Second", "Megabytes/Second", "Gigabytes/Second", "Terabytes/Second",
	"Bits/Second", "Kilobits/Second", "Megabits/Second", "Gigabits/Second", "Terabits/Second", "Count/Second", "None",
}

// metricDatum is a member of PutMetricData.
type metricDatum struct {
	MetricName      string
	Dimensions      []dimension
	Timestamp       *moment
	Value           *number
	StatisticValues *struct {
		SampleCount, Sum, Minimum, Maximum *number
	}
	Values, Counts    []number
	Unit              string
	StorageResolution *whole
}

type putDataRequest struct {
	Namespace        string
	MetricData       []metricDatum
	EntityMetricData []struct{ MetricData []metricDatum }
}

// The limits of PutMetricData.
const (
	maxData   = 1000
	maxValues = 150
	oldest    = 14 * 24 * time.Hour
	newest    = 2 * time.Hour
)

// putMetricData is PutMetricData: what it answered with success is on disk.
func (s *Service) putMetricData(body []byte) (object, error) {
	var r putDataRequest
	if err := decode(body, &r); err != nil {
		return nil, err
	}
	for _, e := range r.EntityMetricData {
		r.MetricData = append(r.MetricData, e.MetricData...)
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	now := s.Clock.Now()
	data := make([]datum, len(r.MetricData))
	for i := range r.MetricData {
		d, err := r.MetricData[i].datum(r.Namespace, now)
		if err != nil {
			err.Text = strings.ReplaceAll(err.Text, "MetricData.member.N", fmt.Sprintf("MetricData.member.%d", i+1))
			return nil, err
		}
		data[i] = d
	}
	return object{}, s.keep(data, true)
}

func (r *putDataRequest) check() error {
	var c reply.Checks
	c.Text("namespace", r.Namespace, 255, nil)
	c.Length("metricData", len(r.MetricData), 0, maxData)
	for i := range r.MetricData {
		d := &r.MetricData[i]
		at := fmt.Sprintf("metricData.%d.member.", i+1)
		c.Text(at+"metricName", d.MetricName, 255, nil)
		c.OptionalEnum(at+"unit", d.Unit, units...)
		checkDimensions(&c, at, d.Dimensions)
	}
	if err := c.Err(); err != nil {
		return err
	}
	if strings.HasPrefix(r.Namespace, "AWS/") || strings.HasPrefix(r.Namespace, ":") {
		return invalid("The value %s for parameter Namespace is invalid. Namespaces that begin with AWS/ or : are reserved.", r.Namespace)
	}
	if len(r.MetricData) == 0 {
		return missing("MetricData")
	}
	return nil
}

func checkDimensions(c *reply.Checks, at string, dimensions []dimension) {
	c.Length(at+"dimensions", len(dimensions), 0, 30)
	for i, d := range dimensions {
		c.Text(fmt.Sprintf("%sdimensions.%d.member.name", at, i+1), d.Name, 255, nil)
		c.Text(fmt.Sprintf("%sdimensions.%d.member.value", at, i+1), d.Value, 1024, nil)
	}
}

// datum reads one member.
func (m *metricDatum) datum(namespace string, now time.Time) (datum, *reply.Error) {
	d := datum{Name: name{namespace, m.MetricName, m.Dimensions}, Unit: m.Unit, At: now.UnixMilli()}
	if d.Unit == "" {
		d.Unit = "None"
	}
	if m.Timestamp != nil {
		if m.Timestamp.Before(now.Add(-oldest)) || m.Timestamp.After(now.Add(newest)) {
			return d, invalid("The parameter MetricData.member.N.Timestamp must specify a time no more than two weeks in the past and no more than two hours in the future.")
		}
		d.At = m.Timestamp.UnixMilli()
	}
	if r := m.StorageResolution; r != nil {
		if *r != 1 && *r != 60 {
			return d, invalid("The value %d for parameter MetricData.member.N.StorageResolution is invalid. Valid values are 1 and 60.", int(*r))
		}
		d.Fine = *r == 1
	}
	return d, m.summarize(&d.Summary)
}

// summarize takes the one form of values that is given.
func (m *metricDatum) summarize(s *summary) *reply.Error {
	forms := 0
	for _, given := range []bool{m.Value != nil, m.StatisticValues != nil, len(m.Values) > 0} {
		if given {
			forms++
		}
	}
	switch {
	case forms == 0:
		return missing("MetricData.member.N.Value")
	case forms > 1:
		return combination("The parameters MetricData.member.N.Value, Values and StatisticValues are mutually exclusive and you have specified more than one.")
	case m.Value != nil:
		return addAll(s, []number{*m.Value}, nil)
	case m.StatisticValues != nil:
		return m.statisticSet(s)
	}
	return addAll(s, m.Values, m.Counts)
}

func addAll(s *summary, values, counts []number) *reply.Error {
	if len(values) > maxValues || len(counts) > 0 && len(counts) != len(values) {
		return invalid("The parameters MetricData.member.N.Values and Counts must have the same size and no more than %d members.", maxValues)
	}
	for i, v := range values {
		n := number(1)
		if len(counts) > 0 {
			n = counts[i]
		}
		if !sensible(v) || !sensible(n) || n < 0 {
			return invalid("The value %g for parameter MetricData.member.N.Value is invalid.", float64(v))
		}
		if n > 0 {
			s.add(float64(v), float64(n))
		}
	}
	return nil
}

// greatest is the largest value that CloudWatch takes: 2 to the power of 360.
const greatest = 0x1p360

func sensible(n number) bool {
	return !math.IsNaN(float64(n)) && math.Abs(float64(n)) <= greatest
}

func (m *metricDatum) statisticSet(s *summary) *reply.Error {
	v := m.StatisticValues
	for _, n := range []*number{v.SampleCount, v.Sum, v.Minimum, v.Maximum} {
		if n == nil {
			return missing("MetricData.member.N.StatisticValues: SampleCount, Sum, Minimum and Maximum")
		}
		if !sensible(*n) {
			return invalid("The value %g for parameter MetricData.member.N.StatisticValues is invalid.", float64(*n))
		}
	}
	if *v.Maximum < *v.Minimum || *v.SampleCount < 0 {
		return combination("The parameter MetricData.member.N.StatisticValues.Maximum must be greater than MetricData.member.N.StatisticValues.Minimum.")
	}
	*s = summary{Count: float64(*v.SampleCount), Sum: float64(*v.Sum), Min: float64(*v.Minimum), Max: float64(*v.Maximum)}
	return nil
}

// keep writes data points to the log and takes them in.
func (s *Service) keep(data []datum, durable bool) error {
	data = slices.DeleteFunc(data, func(d datum) bool { return d.Summary.Count == 0 })
	if len(data) == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.kept.write(data, durable); err != nil {
		return err
	}
	for i := range data {
		s.remember(&data[i])
	}
	return nil
}

// remember takes one data point in; s.mu is held.
func (s *Service) remember(d *datum) {
	key := d.Name.key()
	m := s.metrics[key]
	if m == nil {
		m = &metric{name: d.Name, units: map[string]*series{}}
		s.metrics[key] = m
	}
	m.put(d.time(), d.Unit, d.Fine, &d.Summary)
}

// Measured is a value of AWS's own, from another service of the emulator.
type Measured struct {
	Namespace, MetricName, Unit string
	Dimensions                  map[string]string
	Value                       float64
	Fine                        bool // high resolution
}

// Record keeps values of now.
func (s *Service) Record(values ...Measured) error {
	now := s.Clock.Now().UnixMilli()
	data := make([]datum, len(values))
	for i, v := range values {
		data[i] = datum{Name: name{v.Namespace, v.MetricName, dimensions(v.Dimensions)}, Unit: v.Unit, Fine: v.Fine, At: now}
		data[i].Summary.add(v.Value, 1)
	}
	return s.keep(data, false)
}
