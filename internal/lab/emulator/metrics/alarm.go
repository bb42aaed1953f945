package metrics

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"betimes/internal/lab/emulator/reply"
)

// alarmKind is the store's folder of alarms.
const alarmKind = "alarm"

// The states of an alarm.
const (
	OK               = "OK"
	Alarm            = "ALARM"
	InsufficientData = "INSUFFICIENT_DATA"
)

// alarm is a metric alarm with its state.
type alarm struct {
	Request      alarmRequest `json:"request"`
	ARN          string       `json:"arn"`
	Configured   reply.Time   `json:"configured"`
	State        string       `json:"state"`
	Reason       string       `json:"reason"`
	ReasonData   string       `json:"reason_data,omitempty"`
	Updated      reply.Time   `json:"updated"`
	Transitioned reply.Time   `json:"transitioned"`
	History      []item       `json:"history"` // newest last

	acted time.Time // when a scaling policy was last told
}

// item is one line of an alarm's history.
type item struct {
	At      reply.Time `json:"at"`
	Type    string     `json:"type"` // ConfigurationUpdate, StateUpdate, Action
	Summary string     `json:"summary"`
	Data    string     `json:"data"`
}

// maxHistory is how many items of an alarm are kept.
const maxHistory = 100

func (a *alarm) note(at reply.Time, kind, summary string, data any) {
	text, _ := json.Marshal(data) // texts and numbers always marshal
	a.History = append(a.History, item{at, kind, summary, string(text)})
	if n := len(a.History); n > maxHistory {
		a.History = slices.Delete(a.History, 0, n-maxHistory)
	}
}

// setOptional adds members that are not empty.
func setOptional(o object, members map[string]string) {
	for name, v := range members {
		if v != "" {
			o[name] = v
		}
	}
}

func (a *alarm) describe() object {
	r := &a.Request
	o := object{
		"AlarmName": r.AlarmName, "AlarmArn": a.ARN, "AlarmConfigurationUpdatedTimestamp": a.Configured, "ActionsEnabled": r.acts(),
		"OKActions": texts(r.OKActions), "AlarmActions": texts(r.AlarmActions), "InsufficientDataActions": texts(r.InsufficientDataActions),
		"StateValue": a.State, "StateReason": a.Reason, "StateUpdatedTimestamp": a.Updated, "StateTransitionedTimestamp": a.Transitioned,
		"EvaluationPeriods": int(*r.EvaluationPeriods), "Threshold": float64(*r.Threshold), "ComparisonOperator": r.ComparisonOperator,
	}
	setOptional(o, map[string]string{
		"AlarmDescription": r.AlarmDescription, "StateReasonData": a.ReasonData,
		"TreatMissingData": r.TreatMissingData, "EvaluateLowSampleCountPercentile": r.EvaluateLowSampleCountPercentile,
	})
	if r.DatapointsToAlarm != nil {
		o["DatapointsToAlarm"] = int(*r.DatapointsToAlarm)
	}
	if len(r.Metrics) > 0 {
		o["Metrics"] = describeQueries(r.Metrics)
		return o
	}
	maps.Copy(o, r.name.describe())
	o["Period"] = int(*r.Period)
	setOptional(o, map[string]string{"Statistic": r.Statistic, "ExtendedStatistic": r.ExtendedStatistic, "Unit": r.Unit})
	return o
}

func describeQueries(queries []dataQuery) []any {
	all := []any{}
	for _, q := range queries {
		stat := object{"Metric": q.MetricStat.Metric.describe(), "Period": int(q.MetricStat.Period), "Stat": q.MetricStat.Stat}
		o := object{"Id": q.ID, "MetricStat": stat}
		setOptional(stat, map[string]string{"Unit": q.MetricStat.Unit})
		setOptional(o, map[string]string{"Label": q.Label})
		if q.ReturnData != nil {
			o["ReturnData"] = bool(*q.ReturnData)
		}
		all = append(all, o)
	}
	return all
}

func texts(all []string) []any {
	l := make([]any, len(all))
	for i, t := range all {
		l[i] = t
	}
	return l
}

type describeAlarmsRequest struct {
	AlarmNames, AlarmTypes                    []string
	AlarmNamePrefix, StateValue, ActionPrefix string
	ChildrenOfAlarmName, ParentsOfAlarmName   string
	MaxRecords                                *whole
	NextToken                                 string
}

func (r *describeAlarmsRequest) matches(a *alarm) bool {
	return (len(r.AlarmNames) == 0 || slices.Contains(r.AlarmNames, a.Request.AlarmName)) &&
		strings.HasPrefix(a.Request.AlarmName, r.AlarmNamePrefix) &&
		(r.StateValue == "" || r.StateValue == a.State) &&
		(r.ActionPrefix == "" || slices.ContainsFunc(a.Request.actions(), func(action string) bool { return strings.HasPrefix(action, r.ActionPrefix) })) &&
		(len(r.AlarmTypes) == 0 || slices.Contains(r.AlarmTypes, "MetricAlarm"))
}

// records is a page's size; 100 is the most.
func records(c *reply.Checks, most *whole, standard int) int {
	if most == nil {
		return standard
	}
	n := int(*most)
	c.Least("maxRecords", &n, 1)
	c.Most("maxRecords", &n, 100)
	return n
}

// describeAlarms is DescribeAlarms: there are no composite ones.
func (s *Service) describeAlarms(body []byte) (object, error) {
	var r describeAlarmsRequest
	if err := decode(body, &r); err != nil {
		return nil, err
	}
	var c reply.Checks
	size := records(&c, r.MaxRecords, 50)
	c.Length("alarmNames", len(r.AlarmNames), 0, 100)
	c.OptionalEnum("stateValue", r.StateValue, OK, Alarm, InsufficientData)
	if r.MaxRecords == nil {
		size = max(size, len(r.AlarmNames))
	}
	skip, err := readToken(r.NextToken)
	if err == nil {
		err = c.Err()
	}
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := []any{}
	for _, name := range slices.Sorted(maps.Keys(s.alarms)) {
		if a := s.alarms[name]; r.matches(a) && r.ChildrenOfAlarmName == "" && r.ParentsOfAlarmName == "" {
			found = append(found, a.describe())
		}
	}
	answer := object{"CompositeAlarms": []any{}, "MetricAlarms": found[min(skip, len(found)):min(skip+size, len(found))]}
	if skip+size < len(found) {
		answer["NextToken"] = writeToken(skip + size)
	}
	return answer, nil
}

type alarmNames struct{ AlarmNames []string }

// named decodes the names that an operation is about.
func named(body []byte) ([]string, error) {
	var r alarmNames
	if err := decode(body, &r); err != nil {
		return nil, err
	}
	var c reply.Checks
	if r.AlarmNames == nil {
		c.Missing("alarmNames")
	}
	c.Length("alarmNames", len(r.AlarmNames), 0, 100)
	return r.AlarmNames, c.Err()
}

// deleteAlarms is DeleteAlarms; names that are not there are no error when there are several.
func (s *Service) deleteAlarms(body []byte) (object, error) {
	names, err := named(body)
	if err != nil {
		return nil, err
	}
	if len(names) == 1 {
		if _, ok := s.StateOf(names[0]); !ok {
			return nil, notFound(names[0])
		}
	}
	return object{}, s.Delete(names...)
}

// Delete forgets alarms.
func (s *Service) Delete(names ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range names {
		if err := s.Store.Delete(alarmKind, n); err != nil {
			return err
		}
		delete(s.alarms, n)
	}
	return nil
}

// StateOf is the state of an alarm, if there is one of that name.
func (s *Service) StateOf(name string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.alarms[name]
	if !ok {
		return "", false
	}
	return a.State, true
}

// Look gives the state of an alarm and the newest value of its metric, if it has a fresh one.
func (s *Service) Look(name string) (state string, value float64, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.alarms[name]
	if !ok {
		return "", 0, false
	}
	value, known = s.newest(a)
	return a.State, value, known
}

// fresh is how old, in periods, a value may be to say how things are now.
const fresh = 2

// newest is the newest value of an alarm's metric, if it is fresh; s.mu is held.
func (s *Service) newest(a *alarm) (float64, bool) {
	samples := s.samples(&a.Request, s.Clock.Now().Add(-s.Delay))
	if len(samples) == 0 || samples[0].age > fresh {
		return 0, false
	}
	return samples[0].v, true
}

func notFound(name string) *reply.Error {
	e := reply.Validation("Unknown alarm %s", name)
	e.Type, e.Status = "ResourceNotFound", 404
	return e
}

func (s *Service) enableAlarmActions(body []byte) (object, error) { return s.switchActions(body, true) }
func (s *Service) disableAlarmActions(body []byte) (object, error) {
	return s.switchActions(body, false)
}

func (s *Service) switchActions(body []byte, on bool) (object, error) {
	names, err := named(body)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range names {
		a, ok := s.alarms[n]
		if !ok {
			continue
		}
		f := flag(on)
		a.Request.ActionsEnabled = &f
		a.Configured = s.now()
		if err := s.Store.Put(alarmKind, n, a); err != nil {
			return nil, err
		}
	}
	return object{}, nil
}

func (s *Service) now() reply.Time { return reply.At(s.Clock.Now().UTC().Truncate(time.Millisecond)) }

// Summary is the state of each alarm and how many metrics there are, for the state page.
func (s *Service) Summary() map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	states := map[string]string{}
	for name, a := range s.alarms {
		states[name] = a.State
	}
	return map[string]any{"metrics": len(s.metrics), "alarms": states}
}
