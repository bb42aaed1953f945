package goclient

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

func TestWhatIsPutInCBORIsReadInCBOR(t *testing.T) {
	t.Parallel()
	b := start(t, "instant")
	ctx := t.Context()
	shop := []types.Dimension{{Name: aws.String("shop"), Value: aws.String("a & <b>")}}
	must(b.cw.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{Namespace: aws.String("shop"), MetricData: []types.MetricDatum{
		{MetricName: aws.String("load"), Dimensions: shop, Value: aws.Float64(3.5), Unit: types.StandardUnitCount},
		{MetricName: aws.String("load"), Dimensions: shop, Values: []float64{1, 2}, Counts: []float64{2, 1}, Unit: types.StandardUnitCount},
		{MetricName: aws.String("sets"), StatisticValues: &types.StatisticSet{SampleCount: aws.Float64(4), Sum: aws.Float64(10), Minimum: aws.Float64(1), Maximum: aws.Float64(4)}}}}))(t)
	from, to := aws.Time(time.Now().Add(-time.Hour)), aws.Time(time.Now().Add(time.Hour))
	got := must(b.cw.GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{Namespace: aws.String("shop"), MetricName: aws.String("load"), Dimensions: shop, StartTime: from, EndTime: to,
		Period: aws.Int32(86400), Statistics: []types.Statistic{types.StatisticSum, types.StatisticSampleCount, types.StatisticMinimum, types.StatisticMaximum}}))(t)
	if len(got.Datapoints) != 1 || aws.ToFloat64(got.Datapoints[0].Sum) != 7.5 || aws.ToFloat64(got.Datapoints[0].SampleCount) != 4 ||
		aws.ToFloat64(got.Datapoints[0].Minimum) != 1 || aws.ToFloat64(got.Datapoints[0].Maximum) != 3.5 || got.Datapoints[0].Unit != types.StandardUnitCount {
		t.Errorf("statistics %+v", got.Datapoints)
	}
	data := must(b.cw.GetMetricData(ctx, &cloudwatch.GetMetricDataInput{StartTime: from, EndTime: to, MetricDataQueries: []types.MetricDataQuery{
		{Id: aws.String("q"), MetricStat: &types.MetricStat{Period: aws.Int32(60), Stat: aws.String("Average"), Metric: &types.Metric{Namespace: aws.String("shop"), MetricName: aws.String("sets")}}}}}))(t)
	if len(data.MetricDataResults) != 1 || !slices.Equal(data.MetricDataResults[0].Values, []float64{2.5}) || data.MetricDataResults[0].StatusCode != types.StatusCodeComplete ||
		len(data.MetricDataResults[0].Timestamps) != 1 || data.MetricDataResults[0].Timestamps[0].Second() != 0 {
		t.Errorf("data %+v", data.MetricDataResults)
	}
	_, err := b.cw.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{Namespace: aws.String("AWS/Own"), MetricData: []types.MetricDatum{{MetricName: aws.String("x"), Value: aws.Float64(1)}}})
	if !as[*types.InvalidParameterValueException](err) {
		t.Errorf("a namespace of AWS: %v", err)
	}
}

func TestAlarmsAreKeptSetAndRemembered(t *testing.T) {
	t.Parallel()
	b := start(t, "instant")
	ctx := t.Context()
	for _, name := range []string{"high", "higher"} {
		must(b.cw.PutMetricAlarm(ctx, &cloudwatch.PutMetricAlarmInput{AlarmName: &name, Namespace: aws.String("shop"), MetricName: aws.String("load"), Statistic: types.StatisticMaximum,
			Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(3), ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold}))(t)
	}
	var names []string
	for pages := cloudwatch.NewDescribeAlarmsPaginator(b.cw, &cloudwatch.DescribeAlarmsInput{MaxRecords: aws.Int32(1)}); pages.HasMorePages(); {
		for _, alarm := range must(pages.NextPage(ctx))(t).MetricAlarms {
			names = append(names, text(alarm.AlarmName)+" "+string(alarm.StateValue))
		}
	}
	if !slices.Equal(names, []string{"high INSUFFICIENT_DATA", "higher INSUFFICIENT_DATA"}) {
		t.Errorf("alarms %v", names)
	}
	must(b.cw.SetAlarmState(ctx, &cloudwatch.SetAlarmStateInput{AlarmName: aws.String("high"), StateValue: types.StateValueAlarm, StateReason: aws.String("tried")}))(t)
	history := must(b.cw.DescribeAlarmHistory(ctx, &cloudwatch.DescribeAlarmHistoryInput{AlarmName: aws.String("high"), HistoryItemType: types.HistoryItemTypeStateUpdate}))(t)
	if len(history.AlarmHistoryItems) != 1 || text(history.AlarmHistoryItems[0].HistorySummary) != "Alarm updated from INSUFFICIENT_DATA to ALARM" {
		t.Errorf("history %+v", history.AlarmHistoryItems)
	}
	must(b.cw.DisableAlarmActions(ctx, &cloudwatch.DisableAlarmActionsInput{AlarmNames: []string{"high"}}))(t)
	if got := must(b.cw.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{StateValue: types.StateValueAlarm}))(t).MetricAlarms; len(got) != 1 || aws.ToBool(got[0].ActionsEnabled) {
		t.Errorf("in alarm are %+v", got)
	}
	must(b.cw.DeleteAlarms(ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{"high", "higher"}}))(t)
	_, err := b.cw.SetAlarmState(ctx, &cloudwatch.SetAlarmStateInput{AlarmName: aws.String("high"), StateValue: types.StateValueOk, StateReason: aws.String("tried")})
	if !as[*types.ResourceNotFound](err) {
		t.Errorf("an alarm that is gone: %v", err)
	}
}
