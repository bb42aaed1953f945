package metrics

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"betimes/internal/lab/emulator/reply"
)

// Notice says what an alarm did, to what acts on it.
type Notice struct {
	Alarm, ARN       string
	Old, New, Reason string
	At               time.Time
	Value            float64 // newest data point of the metric, when Known
	Threshold        float64
	Known            bool   // it is fresh
	Subject, Message string // as SNS has them
}

// told is an action with what it is told.
type told struct {
	action string
	notice Notice
}

// enter changes the state of an alarm, keeps it, and gives what to tell; s.mu is held.
func (s *Service) enter(a *alarm, state, reason, data string) []told {
	old, now := a.State, s.now()
	a.State, a.Reason, a.ReasonData, a.Updated = state, reason[:min(len(reason), 1023)], data, now
	if old != state {
		a.Transitioned = now
		a.note(now, "StateUpdate", fmt.Sprintf("Alarm updated from %s to %s", old, state), map[string]any{
			"version": "1.0", "oldState": map[string]string{"stateValue": old}, "newState": map[string]string{"stateValue": state, "stateReason": a.Reason}})
	}
	all := s.actions(a, old)
	for _, t := range all {
		a.note(now, "Action", "Successfully executed action "+t.action, map[string]any{"actionState": "Succeeded", "notificationResource": t.action, "stateUpdateTimestamp": now.UnixMilli()})
	}
	a.acted = now.Time
	if err := s.Store.Put(alarmKind, a.Request.AlarmName, a); err != nil {
		s.Log.Error("alarm not kept", "alarm", a.Request.AlarmName, "error", err)
	}
	return all
}

// actions are those of the state that an alarm is in; s.mu is held.
func (s *Service) actions(a *alarm, old string) []told {
	if !a.Request.acts() {
		return nil
	}
	list := map[string][]string{OK: a.Request.OKActions, Alarm: a.Request.AlarmActions, InsufficientData: a.Request.InsufficientDataActions}[a.State]
	all := make([]told, len(list))
	for i, action := range list {
		all[i] = told{action, s.notice(a, old)}
	}
	return all
}

// isPolicy says whether an action is a scaling policy: those are told again each
// minute while the alarm lasts.
func isPolicy(action string) bool { return strings.HasPrefix(action, "arn:aws:autoscaling:") }

// again is what to tell of an alarm that has not changed; s.mu is held.
func (s *Service) again(a *alarm) []told {
	if now := s.Clock.Now(); a.State == Alarm && now.Sub(a.acted) >= a.repeat() {
		a.acted = now
		return slices.DeleteFunc(s.actions(a, Alarm), func(t told) bool { return !isPolicy(t.action) })
	}
	return nil
}

// repeat is a minute, or less for high-resolution alarms.
func (a *alarm) repeat() time.Duration {
	return min(time.Duration(a.Request.watched().Period)*time.Second, time.Minute)
}

func (s *Service) notice(a *alarm, old string) Notice {
	n := Notice{Alarm: a.Request.AlarmName, ARN: a.ARN, Old: old, New: a.State, Reason: a.Reason, At: s.Clock.Now(), Threshold: float64(*a.Request.Threshold)}
	n.Value, n.Known = s.newest(a)
	n.Subject = fmt.Sprintf("%s: %q in %s", n.New, n.Alarm, s.Region)
	n.Message = s.message(a, old)
	return n
}

// message is what CloudWatch publishes to a topic.
func (s *Service) message(a *alarm, old string) string {
	r, w := &a.Request, a.Request.watched()
	dimensions := make([]map[string]string, len(w.Metric.Dimensions))
	for i, d := range w.Metric.Dimensions {
		dimensions[i] = map[string]string{"name": d.Name, "value": d.Value}
	}
	const form = "2006-01-02T15:04:05.000-0700"
	text, _ := json.Marshal(map[string]any{ // texts and numbers always marshal
		"AlarmName": r.AlarmName, "AlarmDescription": r.AlarmDescription, "AWSAccountId": s.Account, "AlarmConfigurationUpdatedTimestamp": a.Configured.UTC().Format(form),
		"NewStateValue": a.State, "NewStateReason": a.Reason, "StateChangeTime": a.Updated.UTC().Format(form), "Region": s.Region, "AlarmArn": a.ARN, "OldStateValue": old,
		"OKActions": orEmpty(r.OKActions), "AlarmActions": orEmpty(r.AlarmActions), "InsufficientDataActions": orEmpty(r.InsufficientDataActions),
		"Trigger": map[string]any{
			"MetricName": w.Metric.MetricName, "Namespace": w.Metric.Namespace, "StatisticType": "Statistic", "Statistic": strings.ToUpper(w.Stat), "Unit": w.Unit, "Dimensions": dimensions,
			"Period": int(w.Period), "EvaluationPeriods": int(*r.EvaluationPeriods), "ComparisonOperator": r.ComparisonOperator, "Threshold": float64(*r.Threshold), "TreatMissingData": r.TreatMissingData},
	})
	return string(text)
}

func orEmpty(all []string) []string { return append([]string{}, all...) }

// tell passes what happened on; s.mu is not held.
func (s *Service) tell(all []told) {
	for _, t := range all {
		s.Journal.Note(journalEntry(t))
		if s.Act != nil {
			s.Act(t.action, t.notice)
		}
	}
}

type setStateRequest struct {
	AlarmName, StateValue, StateReason, StateReasonData string
}

// setAlarmState is SetAlarmState: it acts, and lasts until the next evaluation.
func (s *Service) setAlarmState(body []byte) (object, error) {
	var r setStateRequest
	if err := decode(body, &r); err != nil {
		return nil, err
	}
	var c reply.Checks
	c.Text("alarmName", r.AlarmName, 255, nil)
	c.OptionalText("stateReason", r.StateReason, 1023, nil)
	if r.StateValue == "" {
		c.Missing("stateValue")
	}
	c.OptionalEnum("stateValue", r.StateValue, OK, Alarm, InsufficientData)
	if err := c.Err(); err != nil {
		return nil, err
	}
	if r.StateReasonData != "" && !json.Valid([]byte(r.StateReasonData)) {
		e := reply.Validation("StateReasonData is not valid JSON.")
		e.Type = "InvalidFormatFault"
		return nil, e
	}
	s.mu.Lock()
	a, ok := s.alarms[r.AlarmName]
	if !ok {
		s.mu.Unlock()
		return nil, notFound(r.AlarmName)
	}
	var all []told
	if changed := a.State != r.StateValue; changed {
		all = s.enter(a, r.StateValue, r.StateReason, r.StateReasonData)
	}
	s.mu.Unlock()
	s.tell(all)
	return object{}, nil
}

type historyRequest struct {
	AlarmName, HistoryItemType, ScanBy, NextToken string
	AlarmTypes                                    []string
	StartDate, EndDate                            *moment
	MaxRecords                                    *whole
}

func (r *historyRequest) matches(name string, i *item) bool {
	return (r.AlarmName == "" || r.AlarmName == name) && (r.HistoryItemType == "" || r.HistoryItemType == i.Type) &&
		(r.StartDate == nil || !i.At.Before(r.StartDate.Time)) && (r.EndDate == nil || !i.At.After(r.EndDate.Time))
}

// describeAlarmHistory is DescribeAlarmHistory of the alarms that exist.
func (s *Service) describeAlarmHistory(body []byte) (object, error) {
	var r historyRequest
	if err := decode(body, &r); err != nil {
		return nil, err
	}
	var c reply.Checks
	size := records(&c, r.MaxRecords, 50)
	c.OptionalEnum("historyItemType", r.HistoryItemType, "ConfigurationUpdate", "StateUpdate", "Action")
	c.OptionalEnum("scanBy", r.ScanBy, "TimestampDescending", "TimestampAscending")
	skip, err := readToken(r.NextToken)
	if err == nil {
		err = c.Err()
	}
	if err != nil {
		return nil, err
	}
	found := s.history(&r)
	answer := object{"AlarmHistoryItems": found[min(skip, len(found)):min(skip+size, len(found))]}
	if skip+size < len(found) {
		answer["NextToken"] = writeToken(skip + size)
	}
	return answer, nil
}

func (s *Service) history(r *historyRequest) []any {
	s.mu.Lock()
	defer s.mu.Unlock()
	type line struct {
		name string
		item
	}
	var lines []line
	for _, name := range slices.Sorted(maps.Keys(s.alarms)) {
		for _, i := range s.alarms[name].History {
			if r.matches(name, &i) {
				lines = append(lines, line{name, i})
			}
		}
	}
	slices.SortStableFunc(lines, func(a, b line) int { return a.At.Compare(b.At.Time) })
	if r.ScanBy != "TimestampAscending" {
		slices.Reverse(lines)
	}
	found := make([]any, len(lines))
	for i, l := range lines {
		found[i] = object{"AlarmName": l.name, "AlarmType": "MetricAlarm", "Timestamp": l.At, "HistoryItemType": l.Type, "HistorySummary": l.Summary, "HistoryData": l.Data}
	}
	return found
}
