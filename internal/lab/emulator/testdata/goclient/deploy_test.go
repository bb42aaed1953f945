package goclient

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	watch "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
)

// ready is an endpoint of four instances in real time, which tests push forward.
func (b *box) ready() {
	b.t.Helper()
	b.config("old", "builtin:echo", 4)
	b.config("new", "builtin:echo", 4)
	must(b.sm.CreateEndpoint(b.t.Context(), &sagemaker.CreateEndpointInput{EndpointName: aws.String("fraud"), EndpointConfigName: aws.String("old")}))(b.t)
	b.elapse("10m")
	b.inService("fraud")
}

// update deploys the config new.
func (b *box) update(how *types.DeploymentConfig) {
	b.t.Helper()
	must(b.sm.UpdateEndpoint(b.t.Context(), &sagemaker.UpdateEndpointInput{EndpointName: aws.String("fraud"), EndpointConfigName: aws.String("new"), DeploymentConfig: how}))(b.t)
}

// until goes on by minutes until the endpoint is in service again and gives the states that were seen.
func (b *box) until() (seen []types.EndpointStatus, end *sagemaker.DescribeEndpointOutput) {
	b.t.Helper()
	for range 120 {
		end = b.describe("fraud")
		if len(seen) == 0 || seen[len(seen)-1] != end.EndpointStatus {
			seen = append(seen, end.EndpointStatus)
		}
		if end.EndpointStatus == types.EndpointStatusInService {
			return seen, end
		}
		b.elapse("30s")
	}
	b.t.Fatalf("two hours of %v", seen)
	return nil, nil
}

func percent(n int32) *types.CapacitySize {
	return &types.CapacitySize{Type: types.CapacitySizeTypeCapacityPercent, Value: &n}
}

func blueGreen(kind types.TrafficRoutingConfigType, canary, step *types.CapacitySize) *types.DeploymentConfig {
	return &types.DeploymentConfig{BlueGreenUpdatePolicy: &types.BlueGreenUpdatePolicy{TerminationWaitInSeconds: aws.Int32(120),
		TrafficRoutingConfiguration: &types.TrafficRoutingConfig{Type: kind, WaitIntervalInSeconds: aws.Int32(600), CanarySize: canary, LinearStepSize: step}}}
}

func TestADeploymentEndsOnTheNewConfig(t *testing.T) {
	t.Parallel()
	for name, how := range map[string]*types.DeploymentConfig{
		"a canary":    blueGreen(types.TrafficRoutingConfigTypeCanary, percent(25), nil),
		"in steps":    blueGreen(types.TrafficRoutingConfigTypeLinear, nil, percent(25)),
		"all at once": blueGreen(types.TrafficRoutingConfigTypeAllAtOnce, nil, nil),
		"in batches":  {RollingUpdatePolicy: &types.RollingUpdatePolicy{MaximumBatchSize: percent(25), WaitIntervalInSeconds: aws.Int32(60)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := start(t, "realistic")
			b.ready()
			b.update(how)
			if got := b.describe("fraud"); got.EndpointStatus != types.EndpointStatusUpdating || text(got.PendingDeploymentSummary.EndpointConfigName) != "new" {
				t.Errorf("at once it is %s", got.EndpointStatus)
			}
			must(b.invoke("fraud", "x"))(t)
			seen, end := b.until()
			if text(end.EndpointConfigName) != "new" || !slices.Equal(seen, []types.EndpointStatus{types.EndpointStatusUpdating, types.EndpointStatusInService}) || end.FailureReason != nil {
				t.Errorf("through %v to %s: %s", seen, text(end.EndpointConfigName), text(end.FailureReason))
			}
			if end.PendingDeploymentSummary != nil || aws.ToInt32(end.ProductionVariants[0].CurrentInstanceCount) != 4 {
				t.Errorf("%d instances, pending %v", aws.ToInt32(end.ProductionVariants[0].CurrentInstanceCount), end.PendingDeploymentSummary)
			}
			must(b.invoke("fraud", "x"))(t)
		})
	}
}

func TestAnAlarmRollsACanaryBackToTheOldConfig(t *testing.T) {
	t.Parallel()
	b := start(t, "realistic")
	ctx := t.Context()
	b.ready()
	must(b.cw.PutMetricAlarm(ctx, &cloudwatch.PutMetricAlarmInput{AlarmName: aws.String("drift"), Namespace: aws.String("own"), MetricName: aws.String("drift"),
		Statistic: watch.StatisticMaximum, Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(3),
		ComparisonOperator: watch.ComparisonOperatorGreaterThanThreshold, TreatMissingData: aws.String("notBreaching")}))(t)
	how := blueGreen(types.TrafficRoutingConfigTypeCanary, percent(25), nil)
	how.AutoRollbackConfiguration = &types.AutoRollbackConfig{Alarms: []types.Alarm{{AlarmName: aws.String("drift")}}}
	b.update(how)
	b.elapse("9m") // instances are there, a part of the traffic goes to them
	must(b.cw.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{Namespace: aws.String("own"), MetricData: []watch.MetricDatum{{MetricName: aws.String("drift"), Value: aws.Float64(9)}}}))(t)
	seen, end := b.until()
	if !slices.Contains(seen, types.EndpointStatusRollingBack) || text(end.EndpointConfigName) != "old" || !strings.Contains(text(end.FailureReason), "drift") {
		t.Errorf("through %v to %s: %s", seen, text(end.EndpointConfigName), text(end.FailureReason))
	}
	b.inService("fraud") // the waiter calls that a success, as with AWS
	must(b.invoke("fraud", "x"))(t)
}

func TestWeightsChangeWhileAnEndpointAnswers(t *testing.T) {
	t.Parallel()
	b := start(t, "instant")
	ctx := t.Context()
	b.model("echo", "builtin:echo", "")
	must(b.sm.CreateEndpointConfig(ctx, &sagemaker.CreateEndpointConfigInput{EndpointConfigName: aws.String("two"),
		ProductionVariants: []types.ProductionVariant{variant("a", "echo", 1), variant("b", "echo", 1)}}))(t)
	b.deploy("two", "two")
	for _, to := range []string{"a", "b"} {
		weights := []types.DesiredWeightAndCapacity{{VariantName: aws.String("a"), DesiredWeight: aws.Float32(0)}, {VariantName: aws.String("b"), DesiredWeight: aws.Float32(0)}}
		weights[slices.Index([]string{"a", "b"}, to)].DesiredWeight = aws.Float32(2.5)
		must(b.sm.UpdateEndpointWeightsAndCapacities(ctx, &sagemaker.UpdateEndpointWeightsAndCapacitiesInput{EndpointName: aws.String("two"), DesiredWeightsAndCapacities: weights}))(t)
		b.inService("two")
		for range 10 {
			if got := must(b.invoke("two", "x"))(t); text(got.InvokedProductionVariant) != to {
				t.Errorf("all weight is on %s, and %s answered", to, text(got.InvokedProductionVariant))
			}
		}
	}
}
