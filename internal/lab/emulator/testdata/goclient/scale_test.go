package goclient

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
)

const instanceCount = types.ScalableDimensionSageMakerVariantDesiredInstanceCount

// instances is how many instances an endpoint has now.
func (b *box) instances(name string) int32 {
	b.t.Helper()
	return aws.ToInt32(b.describe(name).ProductionVariants[0].CurrentInstanceCount)
}

func (b *box) scalable(name string, least, most int32) {
	b.t.Helper()
	must(b.auto.RegisterScalableTarget(b.t.Context(), &applicationautoscaling.RegisterScalableTargetInput{ServiceNamespace: types.ServiceNamespaceSagemaker,
		ResourceId: aws.String("endpoint/" + name + "/variant/AllTraffic"), ScalableDimension: instanceCount, MinCapacity: &least, MaxCapacity: &most}))(b.t)
}

// policy puts a policy on the variant of an endpoint.
func (b *box) policy(name string, in *applicationautoscaling.PutScalingPolicyInput) *applicationautoscaling.PutScalingPolicyOutput {
	b.t.Helper()
	in.ServiceNamespace, in.ResourceId, in.ScalableDimension = types.ServiceNamespaceSagemaker, aws.String("endpoint/"+name+"/variant/AllTraffic"), instanceCount
	return must(b.auto.PutScalingPolicy(b.t.Context(), in))(b.t)
}

// intoAMinute goes to the 15th second of a minute, so that what follows is not cut by its end.
func (b *box) intoAMinute() {
	b.t.Helper()
	var state struct{ Now time.Time }
	if err := json.Unmarshal(b.own("GET", "/_emu/state", nil), &state); err != nil {
		b.t.Fatal(err)
	}
	b.elapse(fmt.Sprintf("%ds", 75-state.Now.Second()))
}

func TestLoadInAdvancedTimeChangesTheNumberOfInstances(t *testing.T) {
	t.Parallel()
	b := start(t, "fast")
	ctx := t.Context()
	b.config("shop", "builtin:echo", 1)
	b.deploy("shop", "shop")
	b.scalable("shop", 1, 3)
	made := b.policy("shop", &applicationautoscaling.PutScalingPolicyInput{PolicyName: aws.String("track"), PolicyType: types.PolicyTypeTargetTrackingScaling,
		TargetTrackingScalingPolicyConfiguration: &types.TargetTrackingScalingPolicyConfiguration{TargetValue: aws.Float64(5),
			PredefinedMetricSpecification: &types.PredefinedMetricSpecification{PredefinedMetricType: types.MetricTypeSageMakerVariantInvocationsPerInstance}}})
	if len(made.Alarms) != 2 || !strings.HasPrefix(text(made.Alarms[0].AlarmName), "TargetTracking-endpoint/shop/variant/AllTraffic-Alarm") {
		t.Fatalf("the policy made alarms %v", made.Alarms)
	}
	alarms := must(b.cw.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNamePrefix: aws.String("TargetTracking-")}))(t)
	if len(alarms.MetricAlarms) != 2 {
		t.Errorf("CloudWatch has %d of its alarms", len(alarms.MetricAlarms))
	}
	b.intoAMinute()
	for range 4 {
		for range 9 {
			must(b.invoke("shop", "1"))(t)
		}
		b.elapse("1m")
	}
	if n := b.instances("shop"); n != 2 {
		t.Errorf("%d instances after busy minutes, want 2", n)
	}
	acts := must(b.auto.DescribeScalingActivities(ctx, &applicationautoscaling.DescribeScalingActivitiesInput{ServiceNamespace: types.ServiceNamespaceSagemaker}))(t).ScalingActivities
	if len(acts) != 1 || acts[0].StatusCode != types.ScalingActivityStatusCodeSuccessful || text(acts[0].Description) != "Setting desired instance count to 2." ||
		!strings.Contains(text(acts[0].Cause), "in state ALARM triggered policy track") {
		t.Errorf("activities %+v", acts)
	}
	for range 17 {
		must(b.invoke("shop", "1"))(t)
		b.elapse("1m")
	}
	if n := b.instances("shop"); n != 1 {
		t.Errorf("%d instances after quiet minutes, want 1", n)
	}
}

func TestAScaledEndpointKeepsItsCountOnlyWhenItIsRetained(t *testing.T) {
	t.Parallel()
	b := start(t, "instant")
	b.config("shop", "builtin:echo", 1)
	b.config("next", "builtin:echo", 1)
	b.deploy("shop", "shop")
	b.scalable("shop", 3, 5)
	b.elapse("1m")
	if n := b.instances("shop"); n != 3 {
		t.Fatalf("%d instances of at least 3", n)
	}
	update := func(config string, retain bool) {
		must(b.sm.UpdateEndpoint(t.Context(), &sagemaker.UpdateEndpointInput{EndpointName: aws.String("shop"), EndpointConfigName: &config, RetainAllVariantProperties: &retain}))(t)
		b.inService("shop")
	}
	update("next", true)
	if n := b.instances("shop"); n != 3 {
		t.Errorf("%d instances after an update that retains, want 3", n)
	}
	must(b.auto.DeregisterScalableTarget(t.Context(), &applicationautoscaling.DeregisterScalableTargetInput{ServiceNamespace: types.ServiceNamespaceSagemaker,
		ResourceId: aws.String("endpoint/shop/variant/AllTraffic"), ScalableDimension: instanceCount}))(t)
	update("shop", false)
	if n := b.instances("shop"); n != 1 {
		t.Errorf("%d instances after an update that does not retain, want 1", n)
	}
}
