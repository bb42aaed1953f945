package emulator_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const watchTarget = "GraniteServiceVersion20100801."

func TestAnAlarmOnTheNewFleetAloneRollsACanaryBack(t *testing.T) {
	b := start(t, "realistic", t.TempDir())
	b.config("good", "builtin:echo", "", 2)
	b.config("bad", refusing(t), "", 2)
	b.control("CreateEndpoint", m{"EndpointName": "fraud", "EndpointConfigName": "good"})
	b.elapse("10m")
	b.aws(watchTarget+"PutMetricAlarm", m{"AlarmName": "errors", "Namespace": "AWS/SageMaker", "MetricName": "Invocation4XXErrors", "Statistic": "Sum",
		"Period": 60, "EvaluationPeriods": 1, "Threshold": 0, "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "notBreaching",
		"Dimensions": []m{{"Name": "EndpointName", "Value": "fraud"}, {"Name": "VariantName", "Value": "AllTraffic"}, {"Name": "EndpointConfigName", "Value": "bad"}}})
	got := b.control("UpdateEndpoint", m{"EndpointName": "fraud", "EndpointConfigName": "bad", "DeploymentConfig": m{
		"BlueGreenUpdatePolicy":     m{"TrafficRoutingConfiguration": m{"Type": "CANARY", "WaitIntervalInSeconds": 3600, "CanarySize": m{"Type": "CAPACITY_PERCENT", "Value": 50}}},
		"AutoRollbackConfiguration": m{"Alarms": []m{{"AlarmName": "errors"}}}}})
	if got["EndpointArn"] == nil {
		t.Fatal(got)
	}
	b.elapse("10m")
	bad := 0
	for range 40 {
		if resp, _ := b.do("POST", "/endpoints/fraud/invocations", "x"); resp.StatusCode == 424 {
			bad++
		}
	}
	if bad < 5 || bad > 35 {
		t.Errorf("%d of 40 calls failed while half of the traffic is on the new fleet", bad)
	}
	b.elapse("5m")
	end := b.control("DescribeEndpoint", m{"EndpointName": "fraud"})
	if end["EndpointStatus"] != "InService" || end["EndpointConfigName"] != "good" || !strings.Contains(end["FailureReason"].(string), "errors") {
		t.Errorf("endpoint: %v", end)
	}
	if resp, _ := b.do("POST", "/endpoints/fraud/invocations", "x"); resp.StatusCode != 200 {
		t.Errorf("afterwards a call was answered %d", resp.StatusCode)
	}
	sum := func(dimensions ...m) float64 {
		answer := b.aws(watchTarget+"GetMetricStatistics", m{"Namespace": "AWS/SageMaker", "MetricName": "Invocations", "Statistics": []string{"Sum"},
			"StartTime": time.Now().Add(-time.Hour).Unix(), "EndTime": time.Now().Add(24 * time.Hour).Unix(), "Period": 3600, "Dimensions": dimensions})
		total := 0.0
		for _, p := range answer["Datapoints"].([]any) {
			total += p.(m)["Sum"].(float64)
		}
		return total
	}
	variant := []m{{"Name": "EndpointName", "Value": "fraud"}, {"Name": "VariantName", "Value": "AllTraffic"}}
	if all := sum(variant...); all < 40 {
		t.Errorf("the variant had %g invocations, want those of both fleets", all)
	}
	if fresh := sum(append(variant, m{"Name": "EndpointConfigName", "Value": "bad"})...); fresh != float64(bad) {
		t.Errorf("the new fleet had %g invocations, want %d", fresh, bad)
	}
}

// refusing is a model server that is well and answers 400.
func refusing(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/ping" {
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestTheStatusPageShowsTrafficThatShifts(t *testing.T) {
	b := start(t, "realistic", t.TempDir())
	b.config("old", "builtin:echo", "", 4)
	b.config("new", "builtin:echo", "", 4)
	b.control("CreateEndpoint", m{"EndpointName": "fraud", "EndpointConfigName": "old"})
	b.elapse("10m")
	b.control("UpdateEndpoint", m{"EndpointName": "fraud", "EndpointConfigName": "new", "DeploymentConfig": m{"BlueGreenUpdatePolicy": m{
		"TrafficRoutingConfiguration": m{"Type": "CANARY", "WaitIntervalInSeconds": 3600, "CanarySize": m{"Type": "INSTANCE_COUNT", "Value": 1}}}}})
	b.elapse("10m")
	if _, page := b.do("GET", "/_emu/", ""); !strings.Contains(page, "old, 25 % on new") {
		t.Errorf("the page says %s", page)
	}
}

func TestAScaledEndpointKeepsItsCountOnlyWhenItIsRetained(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	b.deploy("shop", "builtin:echo", "", 1)
	b.config("next", "builtin:echo", "", 1)
	count := func() any {
		return b.control("DescribeEndpoint", m{"EndpointName": "shop"})["ProductionVariants"].([]any)[0].(m)["CurrentInstanceCount"]
	}
	target := m{"ServiceNamespace": "sagemaker", "ResourceId": "endpoint/shop/variant/AllTraffic", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}
	b.aws(scaleTarget+"RegisterScalableTarget", m{"MinCapacity": 3, "MaxCapacity": 5, "ServiceNamespace": target["ServiceNamespace"], "ResourceId": target["ResourceId"], "ScalableDimension": target["ScalableDimension"]})
	b.elapse("1m")
	if got := count(); got != 3.0 {
		t.Fatalf("%v instances after scaling, want 3", got)
	}
	b.control("UpdateEndpoint", m{"EndpointName": "shop", "EndpointConfigName": "next", "RetainAllVariantProperties": true})
	if got := count(); got != 3.0 {
		t.Errorf("%v instances after an update that retains, want 3", got)
	}
	b.control("CreateEndpointConfig", m{"EndpointConfigName": "other", "ProductionVariants": []m{{"VariantName": "other", "ModelName": "next", "InitialInstanceCount": 1, "InstanceType": "ml.c5.xlarge"}}})
	if got := b.control("UpdateEndpoint", m{"EndpointName": "shop", "EndpointConfigName": "other"}); got["__type"] != "ValidationException" {
		t.Errorf("an update that takes the scaled variant away: %v", got)
	}
	b.aws(scaleTarget+"DeregisterScalableTarget", target)
	b.control("UpdateEndpoint", m{"EndpointName": "shop", "EndpointConfigName": "shop"})
	if got := count(); got != 1.0 {
		t.Errorf("%v instances after an update that does not retain, want 1", got)
	}
}
