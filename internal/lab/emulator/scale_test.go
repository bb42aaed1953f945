package emulator_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// aws calls a service by its target and gives the answer's members.
func (b *box) aws(target string, request any) map[string]any {
	b.t.Helper()
	body, err := json.Marshal(request)
	if err != nil {
		b.t.Fatal(err)
	}
	_, text := b.do("POST", "/", string(body), "X-Amz-Target", target)
	var answer map[string]any
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		b.t.Fatalf("%s: %v in %s", target, err, text)
	}
	if answer["__type"] != nil {
		b.t.Fatalf("%s: %s", target, text)
	}
	return answer
}

// elapse advances the emulator's clock and waits for what that brings.
func (b *box) elapse(by string) {
	b.t.Helper()
	if resp, text := b.do("POST", "/_emu/clock/advance", `{"by":"`+by+`"}`); resp.StatusCode != 200 {
		b.t.Fatalf("advance: %s", text)
	}
}

func TestTheClockIsAdvancedByAMonthAtMost(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	if resp, text := b.do("POST", "/_emu/clock/advance", `{"by":"1000000h"}`); resp.StatusCode != 400 || !strings.Contains(text, "in several steps") {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
	b.elapse("744h")
}

// intoAMinute goes to the 15th second of a minute, so that what follows is not cut by its end.
func (b *box) intoAMinute() {
	b.t.Helper()
	_, text := b.do("POST", "/_emu/clock/advance", `{"by":"0s"}`)
	var answer struct{ Now time.Time }
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		b.t.Fatal(err)
	}
	b.elapse(fmt.Sprintf("%ds", 75-answer.Now.Second()))
}

const scaleTarget = "AnyScaleFrontendService."

func TestLoadInAdvancedTimeChangesTheNumberOfInstances(t *testing.T) {
	b := start(t, "fast", t.TempDir())
	b.deploy("shop", "builtin:echo", "", 1)
	at := m{"ServiceNamespace": "sagemaker", "ResourceId": "endpoint/shop/variant/AllTraffic", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}
	with := func(more m) m {
		for k, v := range at {
			more[k] = v
		}
		return more
	}
	b.aws(scaleTarget+"RegisterScalableTarget", with(m{"MinCapacity": 1, "MaxCapacity": 3}))
	b.aws(scaleTarget+"PutScalingPolicy", with(m{"PolicyName": "track", "PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration": m{
		"TargetValue": 5, "PredefinedMetricSpecification": m{"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}}}))
	counts := func() (any, any) {
		v := b.control("DescribeEndpoint", m{"EndpointName": "shop"})["ProductionVariants"].([]any)[0].(m)
		return v["CurrentInstanceCount"], v["DesiredInstanceCount"]
	}
	b.intoAMinute()
	for range 4 {
		for range 9 {
			if resp, body := b.do("POST", "/endpoints/shop/invocations", "1"); resp.StatusCode != 200 {
				t.Fatal(body)
			}
		}
		b.elapse("1m")
	}
	if current, desired := counts(); current != 2.0 || desired != 2.0 {
		t.Errorf("%v instances of %v after three busy minutes", current, desired)
	}
	found := b.aws(scaleTarget+"DescribeScalingActivities", m{"ServiceNamespace": "sagemaker"})["ScalingActivities"].([]any)
	if len(found) != 1 || found[0].(m)["StatusCode"] != "Successful" {
		t.Errorf("activities %v", found)
	}
	for range 17 {
		b.do("POST", "/endpoints/shop/invocations", "1")
		b.elapse("1m")
	}
	if current, _ := counts(); current != 1.0 {
		t.Errorf("%v instances after quiet minutes", current)
	}
	if _, state := b.do("GET", "/_emu/state", ""); !strings.Contains(state, `"scalable_targets":{"endpoint/shop/variant/AllTraffic":[1,3]}`) {
		t.Errorf("state %s", state)
	}
}

func TestScalableTargetsAndAlarmsSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	b := start(t, "instant", dir)
	b.deploy("shop", "builtin:echo", "", 1)
	at := m{"ServiceNamespace": "sagemaker", "ResourceId": "endpoint/shop/variant/AllTraffic", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount", "MinCapacity": 1, "MaxCapacity": 3}
	b.aws(scaleTarget+"RegisterScalableTarget", at)
	b.aws("GraniteServiceVersion20100801.PutMetricData", m{"Namespace": "own", "MetricData": []m{{"MetricName": "load", "Value": 1}}})
	b.stop()
	b = start(t, "instant", dir)
	if found := b.aws(scaleTarget+"DescribeScalableTargets", m{"ServiceNamespace": "sagemaker"})["ScalableTargets"].([]any); len(found) != 1 {
		t.Errorf("targets %v", found)
	}
	if found := b.aws("GraniteServiceVersion20100801.ListMetrics", m{"Namespace": "own"})["Metrics"].([]any); len(found) != 1 {
		t.Errorf("metrics %v", found)
	}
	b.do("POST", "/_emu/reset", "")
	if found := b.aws("GraniteServiceVersion20100801.ListMetrics", m{})["Metrics"].([]any); len(found) != 0 {
		t.Errorf("metrics after a reset %v", found)
	}
}
