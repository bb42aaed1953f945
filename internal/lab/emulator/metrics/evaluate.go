package metrics

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

func compare(a, b string) int { return cmp.Compare(a, b) }

// evaluateAll looks at every alarm that is due: each minute, and every tick for
// periods of less than a minute.
func (s *Service) evaluateAll(at time.Time) {
	s.mu.Lock()
	var due []string
	for name, a := range s.alarms {
		if at.Second() == 0 || a.Request.watched().Period < 60 {
			due = append(due, name)
		}
	}
	s.mu.Unlock()
	slices.Sort(due)
	for _, name := range due {
		s.evaluate(name, at)
	}
}

// spare is how many periods beyond those asked for are looked at when some lack data.
const spare = 2

// sample is one period of an alarm's metric.
type sample struct {
	at     int64
	age    int // in periods; the newest is 1
	v      float64
	breach bool
}

// evaluate brings an alarm into the state that its metric has at a moment.
func (s *Service) evaluate(name string, at time.Time) {
	s.mu.Lock()
	a, ok := s.alarms[name]
	if !ok {
		s.mu.Unlock()
		return
	}
	samples := s.samples(&a.Request, at.Add(-s.Delay))
	state := a.Request.judge(samples, a.State)
	var told []told
	if state != a.State {
		reason, data := a.Request.explain(state, samples, at)
		told = s.enter(a, state, reason, data)
	} else {
		told = s.again(a)
	}
	s.mu.Unlock()
	s.tell(told)
}

// samples are the newest periods with data, newest first, at most as many as the alarm asks for; s.mu is held.
func (s *Service) samples(r *alarmRequest, at time.Time) []sample {
	w := r.watched()
	m := s.metrics[w.Metric.key()]
	if m == nil {
		return nil
	}
	period, periods := int64(w.Period), int(*r.EvaluationPeriods)
	end := floor(at.Unix(), min(period, 60))
	var all []sample
	for age := 1; age <= periods+spare && len(all) < periods; age++ {
		from := end - int64(age)*period
		sum := m.between(from, from+period, w.Unit)
		if v, ok := sum.statistic(w.Stat); ok {
			all = append(all, sample{from, age, v, r.breaches(v)})
		}
	}
	return all
}

func (r *alarmRequest) breaches(v float64) bool {
	switch t := float64(*r.Threshold); r.ComparisonOperator {
	case "GreaterThanOrEqualToThreshold":
		return v >= t
	case "GreaterThanThreshold":
		return v > t
	case "LessThanThreshold":
		return v < t
	}
	return v <= float64(*r.Threshold)
}

// judge is CloudWatch's table of missing data: real data points decide when
// there are enough of them; else the missing ones are filled as asked for.
func (r *alarmRequest) judge(samples []sample, state string) string {
	lacking := int(*r.EvaluationPeriods) - len(samples)
	breaching := 0
	for _, s := range samples {
		if s.breach {
			breaching++
		}
	}
	if lacking > 0 {
		switch r.TreatMissingData {
		case "breaching":
			breaching += lacking
		case "notBreaching":
		case "ignore":
			if breaching < r.needed() && len(samples)-breaching <= int(*r.EvaluationPeriods)-r.needed() {
				return state
			}
		default:
			return r.judgeMissing(samples, breaching, state)
		}
	}
	if breaching >= r.needed() {
		return Alarm
	}
	return OK
}

// judgeMissing is the table for "missing", the default. Only the newest data
// points breach: that is an alarm once the oldest of them is as old as an alarm needs.
func (r *alarmRequest) judgeMissing(samples []sample, breaching int, state string) string {
	switch {
	case len(samples) == 0:
		return InsufficientData
	case breaching >= r.needed():
		return Alarm
	case breaching < len(samples):
		return OK
	case samples[len(samples)-1].age >= r.needed():
		return Alarm
	}
	return state
}

// words are the comparisons as reasons have them, for one value and for several.
var words = map[string]string{
	"GreaterThanOrEqualToThreshold": "greater than or equal to", "GreaterThanThreshold": "greater than",
	"LessThanThreshold": "less than", "LessThanOrEqualToThreshold": "less than or equal to",
}

// explain is the reason of a state, for people and for programs.
func (r *alarmRequest) explain(state string, samples []sample, at time.Time) (reason, data string) {
	shown, values := []string{}, []float64{}
	count := 0
	for _, s := range samples {
		values = append(values, s.v)
		if s.breach == (state == Alarm) {
			count++
			shown = append(shown, fmt.Sprintf("%s (%s)", decimal(s.v), stamp(time.Unix(s.at, 0))))
		}
	}
	periods := int(*r.EvaluationPeriods)
	w := r.watched()
	raw, _ := json.Marshal(map[string]any{ // texts and numbers always marshal
		"version": "1.0", "queryDate": at.UTC().Format("2006-01-02T15:04:05.000-0700"), "statistic": w.Stat, "period": int(w.Period),
		"recentDatapoints": values, "threshold": float64(*r.Threshold),
	})
	if state == InsufficientData {
		return fmt.Sprintf("Insufficient Data: %d %s unknown.", periods, plural(periods, "datapoint was", "datapoints were")), string(raw)
	}
	not, change := "", "OK -> ALARM"
	if state == OK {
		not, change = "not ", "ALARM -> OK"
	}
	least := r.needed()
	if state == OK {
		least = periods - r.needed() + 1
	}
	return fmt.Sprintf("Threshold Crossed: %d out of the last %d datapoints [%s] %s %s%s the threshold (%s) (minimum %d %s for %s transition).",
		count, periods, strings.Join(shown, ", "), plural(count, "was", "were"), not, words[r.ComparisonOperator], decimal(float64(*r.Threshold)),
		least, plural(least, "datapoint", "datapoints"), change), string(raw)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// decimal writes 5 as 5.0.
func decimal(v float64) string {
	text := strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}
