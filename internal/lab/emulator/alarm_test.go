package emulator_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// cloudWatch calls CloudWatch in JSON.
func (b *box) cloudWatch(operation string, request any) m {
	b.t.Helper()
	body, err := json.Marshal(request)
	if err != nil {
		b.t.Fatal(err)
	}
	resp, text := b.do("POST", "/", string(body), "X-Amz-Target", "GraniteServiceVersion20100801."+operation)
	answer := m{}
	if resp.StatusCode != 200 || text != "" && json.Unmarshal([]byte(text), &answer) != nil {
		b.t.Fatalf("%s: %d %s", operation, resp.StatusCode, text)
	}
	return answer
}

func (b *box) advance(by string) {
	b.t.Helper()
	if resp, body := b.do("POST", "/_emu/clock/advance", `{"by":"`+by+`"}`); resp.StatusCode != 200 {
		b.t.Fatalf("advance by %s: %s", by, body)
	}
}

func TestAnAlarmOnTheNewFleetAloneRollsACanaryBack(t *testing.T) {
	b := start(t, "realistic", t.TempDir())
	b.config("good", "builtin:echo", "", 2)
	b.config("bad", refusing(t), "", 2)
	b.control("CreateEndpoint", m{"EndpointName": "fraud", "EndpointConfigName": "good"})
	b.advance("10m")
	b.cloudWatch("PutMetricAlarm", m{"AlarmName": "errors", "Namespace": "AWS/SageMaker", "MetricName": "Invocation4XXErrors", "Statistic": "Sum",
		"Period": 60, "EvaluationPeriods": 1, "Threshold": 0, "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "notBreaching",
		"Dimensions": []m{{"Name": "EndpointName", "Value": "fraud"}, {"Name": "VariantName", "Value": "AllTraffic"}, {"Name": "EndpointConfigName", "Value": "bad"}}})
	got := b.control("UpdateEndpoint", m{"EndpointName": "fraud", "EndpointConfigName": "bad", "DeploymentConfig": m{
		"BlueGreenUpdatePolicy":     m{"TrafficRoutingConfiguration": m{"Type": "CANARY", "WaitIntervalInSeconds": 3600, "CanarySize": m{"Type": "CAPACITY_PERCENT", "Value": 50}}},
		"AutoRollbackConfiguration": m{"Alarms": []m{{"AlarmName": "errors"}}}}})
	if got["EndpointArn"] == nil {
		t.Fatal(got)
	}
	b.advance("10m")
	bad := 0
	for range 40 {
		if resp, _ := b.do("POST", "/endpoints/fraud/invocations", "x"); resp.StatusCode == 424 {
			bad++
		}
	}
	if bad < 5 || bad > 35 {
		t.Errorf("%d of 40 calls failed while half of the traffic is on the new fleet", bad)
	}
	b.advance("5m")
	end := b.control("DescribeEndpoint", m{"EndpointName": "fraud"})
	if end["EndpointStatus"] != "InService" || end["EndpointConfigName"] != "good" || !strings.Contains(end["FailureReason"].(string), "errors") {
		t.Errorf("endpoint: %v", end)
	}
	if resp, _ := b.do("POST", "/endpoints/fraud/invocations", "x"); resp.StatusCode != 200 {
		t.Errorf("afterwards a call was answered %d", resp.StatusCode)
	}
	sum := func(dimensions ...m) float64 {
		answer := b.cloudWatch("GetMetricStatistics", m{"Namespace": "AWS/SageMaker", "MetricName": "Invocations", "Statistics": []string{"Sum"},
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
	b.advance("10m")
	b.control("UpdateEndpoint", m{"EndpointName": "fraud", "EndpointConfigName": "new", "DeploymentConfig": m{"BlueGreenUpdatePolicy": m{
		"TrafficRoutingConfiguration": m{"Type": "CANARY", "WaitIntervalInSeconds": 3600, "CanarySize": m{"Type": "INSTANCE_COUNT", "Value": 1}}}}})
	b.advance("10m")
	if _, page := b.do("GET", "/_emu/", ""); !strings.Contains(page, "old, 25 % on new") {
		t.Errorf("the page says %s", page)
	}
}
