package main

import (
	"context"
	"fmt"
	"time"
)

// datumSpan is before and after the campaign's begin: one question finds all data points.
const datumSpan = 12 * time.Hour

// tally is the metric that counts the user's data points.
func (u *user) tally(began time.Time) *register {
	return u.keep(&register{what: "data points of " + u.name, read: func(ctx context.Context) (string, error) {
		var got struct {
			Datapoints []struct{ SampleCount float64 }
		}
		err := u.e.get(ctx, toWatch+"GetMetricStatistics", members{"Namespace": "campaign", "MetricName": u.name, "Period": 3600, "Statistics": []string{"SampleCount"},
			"StartTime": began.Add(-datumSpan).Unix(), "EndTime": began.Add(datumSpan).Unix()}, &got)
		sum := 0.0
		for _, p := range got.Datapoints {
			sum += p.SampleCount
		}
		if sum == 0 {
			return "", err
		}
		return fmt.Sprint(sum), err
	}})
}

func (u *user) putDatum(ctx context.Context) {
	a, err := u.e.json(ctx, toWatch+"PutMetricData", members{"Namespace": "campaign", "MetricData": []members{{"MetricName": u.name, "Value": 1}}})
	u.data.raised(u.write(ctx, a, err))
}

// putAlarm writes the user's one alarm with another threshold.
func (u *user) putAlarm(ctx context.Context) {
	u.serial++
	a, err := u.e.json(ctx, toWatch+"PutMetricAlarm", members{"AlarmName": "a-" + u.name, "Namespace": "campaign", "MetricName": u.name, "Statistic": "Sum", "Period": 60,
		"EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanThreshold", "Threshold": u.serial})
	u.alarm.wrote(fmt.Sprint(u.serial), u.write(ctx, a, err))
}

func (u *user) threshold() *register {
	name := "a-" + u.name
	return u.keep(&register{what: "alarm " + name, read: func(ctx context.Context) (string, error) {
		var got struct{ MetricAlarms []struct{ Threshold float64 } }
		err := u.e.get(ctx, toWatch+"DescribeAlarms", members{"AlarmNames": []string{name}}, &got)
		if err != nil || len(got.MetricAlarms) == 0 {
			return "", err
		}
		return fmt.Sprint(got.MetricAlarms[0].Threshold), nil
	}})
}
