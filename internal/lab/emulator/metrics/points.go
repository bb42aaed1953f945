package metrics

import (
	"slices"
	"strings"
	"time"
)

// How long data points are kept, and for what time each stands.
const (
	fineStep   = time.Second
	coarseStep = time.Minute
	fineKept   = 3 * time.Hour
	coarseKept = 15 * 24 * time.Hour
)

// dimension is one name and value of a metric.
type dimension struct {
	Name  string
	Value string
}

// name is what a metric is known by.
type name struct {
	Namespace  string
	MetricName string
	Dimensions []dimension
}

// key is the same for equal sets of dimensions.
func (n name) key() string {
	sorted := slices.Clone(n.Dimensions)
	slices.SortFunc(sorted, func(a, b dimension) int { return strings.Compare(a.Name+"\x00"+a.Value, b.Name+"\x00"+b.Value) })
	var b strings.Builder
	b.WriteString(n.Namespace + "\x00" + n.MetricName)
	for _, d := range sorted {
		b.WriteString("\x00" + d.Name + "\x00" + d.Value)
	}
	return b.String()
}

func (n name) describe() object {
	dimensions := make([]any, len(n.Dimensions))
	for i, d := range n.Dimensions {
		dimensions[i] = object{"Name": d.Name, "Value": d.Value}
	}
	return object{"Namespace": n.Namespace, "MetricName": n.MetricName, "Dimensions": dimensions}
}

// metric is all data of one name.
type metric struct {
	name   name
	units  map[string]*series
	latest int64 // second of the newest point
}

// series is the points of one unit. Only high-resolution ones are fine.
type series struct {
	fine, coarse []point
}

// point is a summary of the step that begins at a second.
type point struct {
	At int64
	summary
}

// put merges s into the step of at and forgets what is too old.
func put(points []point, at time.Time, step, kept time.Duration, s *summary) []point {
	second := at.Truncate(step).Unix()
	i, found := slices.BinarySearchFunc(points, second, func(p point, at int64) int { return int(p.At - at) })
	if !found {
		points = slices.Insert(points, i, point{At: second})
	}
	points[i].merge(s)
	oldest := points[len(points)-1].At - int64(kept/time.Second)
	if points[0].At < oldest {
		old, _ := slices.BinarySearchFunc(points, oldest, func(p point, at int64) int { return int(p.At - at) })
		points = slices.Delete(points, 0, old)
	}
	return points
}

func (m *metric) put(at time.Time, unit string, fine bool, s *summary) {
	of := m.units[unit]
	if of == nil {
		of = &series{}
		m.units[unit] = of
	}
	of.coarse = put(of.coarse, at, coarseStep, coarseKept, s)
	if fine {
		of.fine = put(of.fine, at, fineStep, fineKept, s)
	}
	m.latest = max(m.latest, at.Unix())
}

// between merges what lies in [from, to), in seconds.
func (m *metric) between(from, to int64, unit string) summary {
	var all summary
	m.each(from, to, from%60 != 0 || to%60 != 0, unit, func(p *point) { all.merge(&p.summary) })
	return all
}

// each calls f for the points in [from, to). Steps of less than a minute are
// known of high-resolution metrics only.
func (m *metric) each(from, to int64, fine bool, unit string, f func(p *point)) {
	for name, of := range m.units {
		if unit != "" && unit != name {
			continue
		}
		points := of.coarse
		if fine && len(of.fine) > 0 {
			points = of.fine
		}
		i, _ := slices.BinarySearchFunc(points, from, func(p point, at int64) int { return int(p.At - at) })
		for ; i < len(points) && points[i].At < to; i++ {
			f(&points[i])
		}
	}
}

// unitOf is the unit of a metric that has one only.
func (m *metric) unitOf(unit string) string {
	if unit == "" && len(m.units) == 1 {
		for only := range m.units {
			return only
		}
	}
	return unit
}
