package control_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func percent(n int) m   { return m{"Type": "CAPACITY_PERCENT", "Value": n} }
func instances(n int) m { return m{"Type": "INSTANCE_COUNT", "Value": n} }

// blueGreen is a policy of two minutes per step and five at the end.
func blueGreen(kind string, more m) m {
	routing := m{"Type": kind, "WaitIntervalInSeconds": 120}
	for member, v := range more {
		routing[member] = v
	}
	return m{"BlueGreenUpdatePolicy": m{"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": 300},
		"AutoRollbackConfiguration": m{"Alarms": []m{{"AlarmName": "errors"}}}}
}

func update(deployment m) m {
	return m{"EndpointName": "fraud", "EndpointConfigName": "new", "DeploymentConfig": deployment}
}

func TestACanaryTakesAPartAndThenTheRest(t *testing.T) {
	p := deployed(t, 4)
	p.alarms.set("errors", false)
	p.done("UpdateEndpoint", update(blueGreen("CANARY", m{"CanarySize": instances(1)})))
	p.advance(0)
	p.wantState("Updating old 4+0")
	if got := p.doing(); got != "Creating: Launching 4 instance(s)." {
		t.Errorf("it is doing %q", got)
	}
	p.advance(time.Minute)
	p.wantState("Updating old 4+4")
	p.wantShare(25)
	if got := p.doing(); got != "Baking: Baking for 120 seconds (WaitIntervalInSeconds) with traffic enabled on canary capacity of 1 instance(s)." {
		t.Errorf("it is doing %q", got)
	}
	p.advance(2 * time.Minute)
	p.wantShare(100)
	if got := p.doing(); got != "Baking: Baking for 300 seconds (TerminationWaitInSeconds) with traffic enabled on full capacity of 4 instance(s)." {
		t.Errorf("it is doing %q", got)
	}
	if got := p.call("UpdateEndpoint", update(nil)); !strings.Contains(fmt.Sprint(got["message"]), "Cannot update in-progress endpoint") {
		t.Errorf("an update meanwhile: %v", got)
	}
	p.advance(5 * time.Minute)
	p.wantState("InService new 4")
	if got := p.endpoint(); got["PendingDeploymentSummary"] != nil || got["LastDeploymentConfig"] == nil || got["FailureReason"] != nil {
		t.Errorf("afterwards %v", got)
	}
}

func TestALinearDeploymentGoesInEqualSteps(t *testing.T) {
	p := deployed(t, 4)
	p.alarms.set("errors", false)
	p.done("UpdateEndpoint", update(blueGreen("LINEAR", m{"LinearStepSize": percent(40)})))
	p.advance(time.Minute)
	for _, want := range []float64{40, 80, 100} {
		p.wantShare(want)
		p.advance(2 * time.Minute)
	}
	p.wantState("Updating old 4+4")
	p.advance(5 * time.Minute)
	p.wantState("InService new 4")
}

func TestAnAlarmRollsADeploymentBack(t *testing.T) {
	p := deployed(t, 4)
	p.alarms.set("errors", false)
	p.done("UpdateEndpoint", update(blueGreen("CANARY", m{"CanarySize": percent(25)})))
	p.advance(2 * time.Minute)
	p.wantShare(25)
	p.alarms.set("errors", true)
	p.advance(10 * time.Second)
	p.wantState("RollingBack old 4")
	p.wantShare(0)
	p.advance(time.Minute)
	p.wantState("InService old 4")
	if reason := fmt.Sprint(p.endpoint()["FailureReason"]); !strings.Contains(reason, `alarm "errors"`) {
		t.Errorf("reason %s", reason)
	}
	p.alarms.set("errors", false)
	p.done("UpdateEndpoint", m{"EndpointName": "fraud", "EndpointConfigName": "new"}) // and it works on
	p.advance(time.Minute)
	p.wantState("InService new 4")
}

func TestAnAlarmThatIsOnEndsADeploymentBeforeItBegins(t *testing.T) {
	p := deployed(t, 2)
	p.alarms.set("errors", true)
	p.done("UpdateEndpoint", update(blueGreen("ALL_AT_ONCE", nil)))
	p.advance(2 * time.Minute)
	p.wantState("InService old 2")
}

func TestARollingDeploymentReplacesBatchByBatch(t *testing.T) {
	p := deployed(t, 4)
	p.done("UpdateEndpoint", update(m{"RollingUpdatePolicy": m{"MaximumBatchSize": instances(2), "WaitIntervalInSeconds": 120}}))
	p.advance(time.Minute)
	p.wantState("Updating old 2+2")
	p.wantShare(50)
	p.advance(3 * time.Minute)
	p.wantState("Updating old 0+4")
	p.wantShare(100)
	p.advance(2 * time.Minute)
	p.wantState("InService new 4")
}

func TestARollingDeploymentStartsTheOldFleetAgain(t *testing.T) {
	p := deployed(t, 4)
	p.alarms.set("errors", false)
	p.done("UpdateEndpoint", update(m{
		"RollingUpdatePolicy":       m{"MaximumBatchSize": percent(50), "RollbackMaximumBatchSize": percent(75), "WaitIntervalInSeconds": 120},
		"AutoRollbackConfiguration": m{"Alarms": []m{{"AlarmName": "errors"}}}}))
	p.advance(4 * time.Minute) // half, two minutes, the other half
	p.wantState("Updating old 0+4")
	p.alarms.set("errors", true)
	p.advance(10 * time.Second)
	p.wantState("RollingBack old 0")
	p.wantShare(100)
	p.advance(time.Minute)
	p.wantState("RollingBack old 3")
	p.wantShare(25)
	p.advance(3 * time.Minute)
	p.wantState("InService old 4")
	p.wantShare(0)
}

func TestARollbackThatFailsLeavesAMix(t *testing.T) {
	dir := t.TempDir()
	p := newPlane(t, dir)
	p.alarms.set("errors", false)
	p.config("old", "builtin:echo", 4)
	p.config("new", "builtin:profile?p50=1us", 4)
	p.done("CreateEndpoint", m{"EndpointName": "fraud", "EndpointConfigName": "old"})
	p.advance(time.Minute)
	p.done("UpdateEndpoint", update(m{
		"RollingUpdatePolicy":       m{"MaximumBatchSize": percent(50), "WaitIntervalInSeconds": 120},
		"AutoRollbackConfiguration": m{"Alarms": []m{{"AlarmName": "errors"}}}}))
	p.advance(2 * time.Minute)
	p.fault("capacity")
	p.alarms.set("errors", true)
	p.advance(10 * time.Second)
	p.wantState("UpdateRollbackFailed old 2")
	p.wantShare(50)
	if got := p.call("UpdateEndpoint", update(nil)); got["__type"] != "ValidationException" {
		t.Errorf("an update of it: %v", got)
	}
	again := newPlane(t, dir) // a restart starts what is in service, and now there are machines
	again.wantState("InService old 4")
	again.wantShare(0)
	p.done("DeleteEndpoint", m{"EndpointName": "fraud"})
	p.advance(0)
	if got := p.call("DescribeEndpoint", m{"EndpointName": "fraud"}); got["__type"] != "ValidationException" {
		t.Errorf("after the deletion: %v", got)
	}
}

func TestADeploymentThatTakesTooLongIsRolledBack(t *testing.T) {
	p := deployed(t, 2)
	policy := blueGreen("ALL_AT_ONCE", m{"WaitIntervalInSeconds": 300})
	policy["BlueGreenUpdatePolicy"].(m)["MaximumExecutionTimeoutInSeconds"] = 601
	delete(policy, "AutoRollbackConfiguration")
	p.done("UpdateEndpoint", update(policy))
	p.advance(12 * time.Minute)
	p.wantState("InService old 2")
	if reason := fmt.Sprint(p.endpoint()["FailureReason"]); !strings.Contains(reason, "MaximumExecutionTimeoutInSeconds") {
		t.Errorf("reason %s", reason)
	}
}

func TestADeploymentThatWasKilledBeginsAnew(t *testing.T) {
	dir := t.TempDir()
	p := newPlane(t, dir)
	p.alarms.set("errors", false)
	p.config("old", "builtin:echo", 2)
	p.config("new", "builtin:profile?p50=1us", 2)
	p.done("CreateEndpoint", m{"EndpointName": "fraud", "EndpointConfigName": "old"})
	p.advance(time.Minute)
	p.done("UpdateEndpoint", update(blueGreen("CANARY", m{"CanarySize": percent(50)})))
	p.advance(2 * time.Minute)
	p.wantShare(50)
	p = newPlane(t, dir) // what a kill would have left
	p.wantState("Updating old 2+0")
	p.wantShare(0)
	p.advance(9 * time.Minute)
	p.wantState("InService new 2")
}

func TestFaultsOfDeployments(t *testing.T) {
	for _, c := range []struct{ fault, state, reason string }{
		{"capacity", "InService old 2", "InsufficientInstanceCapacity"},
		{"health", "InService old 2", "The primary container for production variant all did not pass the ping health check."},
		{"rollback", "InService old 2", "The deployment was rolled back."},
		{"silent_rollback", "InService old 2", "<nil>"},
	} {
		t.Run(c.fault, func(t *testing.T) {
			p := deployed(t, 2)
			p.fault(c.fault)
			p.done("UpdateEndpoint", m{"EndpointName": "fraud", "EndpointConfigName": "new"})
			p.advance(2 * time.Minute)
			p.wantState(c.state)
			if reason := fmt.Sprint(p.endpoint()["FailureReason"]); !strings.Contains(reason, c.reason) {
				t.Errorf("reason %s, want %s", reason, c.reason)
			}
			p.wantShare(0)
		})
	}
}

func TestNoMachinesForMoreInstances(t *testing.T) {
	p := deployed(t, 2)
	p.fault("capacity")
	p.done("UpdateEndpointWeightsAndCapacities", m{"EndpointName": "fraud", "DesiredWeightsAndCapacities": []m{{"VariantName": "all", "DesiredInstanceCount": 6}}})
	if got := fmt.Sprint(variantOf(p.endpoint())["VariantStatus"]); !strings.Contains(got, "Scaling out desired instance count to 6.") {
		t.Errorf("meanwhile %s", got)
	}
	p.advance(time.Minute)
	p.wantState("InService old 2")
	if reason := fmt.Sprint(p.endpoint()["FailureReason"]); !strings.Contains(reason, "InsufficientInstanceCapacity") {
		t.Errorf("reason %s", reason)
	}
}

func TestAScaledVariantStaysUntilItIsDeregistered(t *testing.T) {
	p := deployed(t, 1)
	p.done("CreateEndpointConfig", m{"EndpointConfigName": "other", "ProductionVariants": []m{{
		"VariantName": "all", "ModelName": "new", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}}})
	p.scaled["fraud/all"] = true
	request := m{"EndpointName": "fraud", "EndpointConfigName": "other"}
	if got := p.call("UpdateEndpoint", request); !strings.Contains(fmt.Sprint(got["message"]), "registered as a scalable target") {
		t.Errorf("another instance type: %v", got)
	}
	p.done("UpdateEndpoint", update(nil)) // the same type is no trouble
	p.advance(time.Minute)
	p.done("DeleteEndpoint", m{"EndpointName": "fraud"})
	p.advance(time.Minute)
	if len(p.scaled) > 0 {
		t.Errorf("targets of a deleted endpoint: %v", p.scaled)
	}
}

func TestDeploymentsAreRefusedInTheWordsOfAWS(t *testing.T) {
	p := deployed(t, 4)
	routing := func(more m) m { return m{"BlueGreenUpdatePolicy": m{"TrafficRoutingConfiguration": more}} }
	for _, c := range []struct {
		name   string
		policy m
		says   string
	}{
		{"no traffic routing", m{"BlueGreenUpdatePolicy": m{}}, "Value null at 'deploymentConfig.blueGreenUpdatePolicy.trafficRoutingConfiguration' failed to satisfy constraint: Member must not be null"},
		{"a way that is none", routing(m{"Type": "SLOW", "WaitIntervalInSeconds": 0}), "Member must satisfy enum value set: [ALL_AT_ONCE, CANARY, LINEAR]"},
		{"no wait", routing(m{"Type": "ALL_AT_ONCE"}), "Value null at 'deploymentConfig.blueGreenUpdatePolicy.trafficRoutingConfiguration.waitIntervalInSeconds'"},
		{"a wait that is too long", routing(m{"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 3601}), "Member must have value less than or equal to 3600"},
		{"a canary without a size", routing(m{"Type": "CANARY", "WaitIntervalInSeconds": 0}), "You must provide CanarySize"},
		{"a canary that is too large", routing(m{"Type": "CANARY", "WaitIntervalInSeconds": 0, "CanarySize": instances(3)}), "CanarySize must be between 0% and 50%"},
		{"a linear step that is too small", routing(m{"Type": "LINEAR", "WaitIntervalInSeconds": 0, "LinearStepSize": percent(9)}), "LinearStepSize must be between 10% and 50%"},
		{"two policies", m{"BlueGreenUpdatePolicy": m{"TrafficRoutingConfiguration": m{"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}}, "RollingUpdatePolicy": m{"MaximumBatchSize": percent(50), "WaitIntervalInSeconds": 0}}, "You can specify only one"},
		{"a batch that is too large", m{"RollingUpdatePolicy": m{"MaximumBatchSize": percent(60), "WaitIntervalInSeconds": 0}}, "MaximumBatchSize must be between 5% and 50%"},
		{"a time limit that waits fill", m{"RollingUpdatePolicy": m{"MaximumBatchSize": percent(50), "WaitIntervalInSeconds": 600, "MaximumExecutionTimeoutInSeconds": 600}}, "must be larger than the total waiting time"},
		{"an alarm that does not exist", m{"AutoRollbackConfiguration": m{"Alarms": []m{{"AlarmName": "none"}}}}, `Could not find CloudWatch alarm "none"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := p.call("UpdateEndpoint", update(c.policy)); got["__type"] != "ValidationException" || !strings.Contains(fmt.Sprint(got["message"]), c.says) {
				t.Errorf("answered %v", got)
			}
		})
	}
}
