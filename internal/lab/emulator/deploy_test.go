package emulator_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

func TestAnEndpointLosesNoCallWhileItIsUpdated(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	b.deploy("fraud", "builtin:echo", "", 2)
	b.config("other", "builtin:profile?p50=1ms", "", 3)
	var over atomic.Bool
	var bad sync.Map
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for !over.Load() {
				if resp, body := b.do("POST", "/endpoints/fraud/invocations", "x", "Content-Type", "text/csv"); resp.StatusCode != 200 {
					bad.Store(resp.StatusCode, body)
				}
			}
		})
	}
	for i := range 6 {
		b.control("UpdateEndpoint", m{"EndpointName": "fraud", "EndpointConfigName": []string{"other", "fraud"}[i%2]})
		if got := b.control("DescribeEndpoint", m{"EndpointName": "fraud"}); got["EndpointStatus"] != "InService" {
			t.Errorf("endpoint: %v", got)
		}
	}
	over.Store(true)
	callers.Wait()
	bad.Range(func(status, body any) bool { t.Errorf("a call was answered %v: %v", status, body); return true })
}

func TestAFailedUpdateLeavesTheOldConfigInService(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	b.deploy("fraud", "builtin:echo", "", 1)
	b.config("broken", "builtin:xgboost", "s3://nowhere/model.tar.gz", 1)
	b.control("UpdateEndpoint", m{"EndpointName": "fraud", "EndpointConfigName": "broken"})
	got := b.control("DescribeEndpoint", m{"EndpointName": "fraud"})
	if got["EndpointStatus"] != "InService" || got["EndpointConfigName"] != "fraud" || got["FailureReason"] != "Could not find model data at s3://nowhere/model.tar.gz." {
		t.Errorf("endpoint: %v", got)
	}
	if _, journal := b.do("GET", "/_emu/journal", ""); !strings.Contains(journal, "RollingBack") {
		t.Errorf("no RollingBack in %s", journal)
	}
	if resp, _ := b.do("POST", "/endpoints/fraud/invocations", "x"); resp.StatusCode != 200 {
		t.Errorf("answered %d", resp.StatusCode)
	}
}

func TestAnEndpointThatCannotStartFails(t *testing.T) {
	for _, c := range []struct{ name, image, model, reason string }{
		{"an image that nobody can run", "registry/own:1", "", `image "registry/own:1" cannot run here: there is no container engine in this emulator; start its server yourself and name it http://HOST:PORT`},
		{"a profile with a wrong parameter", "builtin:profile?p50=-1ms", "", "p50: -1ms is not more than 0s"},
		{"a model that is not there", "builtin:xgboost", "s3://b/none", "Could not find model data at s3://b/none."},
		{"a program that is not there", "exec:/no/such/program", "", `image "exec:/no/such/program"`},
		{"a program that ends at once", "exec:/bin/true", "", "The primary container for production variant AllTraffic"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := start(t, "instant", t.TempDir())
			b.config("bad", c.image, c.model, 1)
			b.control("CreateEndpoint", m{"EndpointName": "bad", "EndpointConfigName": "bad"})
			got := b.control("DescribeEndpoint", m{"EndpointName": "bad"})
			if got["EndpointStatus"] != "Failed" || !strings.Contains(fmt.Sprint(got["FailureReason"]), c.reason) {
				t.Errorf("endpoint: %v", got)
			}
			b.control("DeleteEndpoint", m{"EndpointName": "bad"})
			if got := b.control("DescribeEndpoint", m{"EndpointName": "bad"}); got["message"] != `Could not find endpoint "arn:aws:sagemaker:us-east-1:000000000000:endpoint/bad".` {
				t.Errorf("after delete: %v", got)
			}
		})
	}
}

func TestTheMinutesOfARealDeploymentCanBeSkipped(t *testing.T) {
	b := start(t, "realistic", t.TempDir())
	b.config("fraud", "builtin:echo", "", 1)
	b.control("CreateEndpoint", m{"EndpointName": "fraud", "EndpointConfigName": "fraud"})
	if got := b.control("DescribeEndpoint", m{"EndpointName": "fraud"}); got["EndpointStatus"] != "Creating" {
		t.Errorf("at once: %v", got)
	}
	if resp, _ := b.do("POST", "/endpoints/fraud/invocations", "x"); resp.StatusCode != 400 {
		t.Errorf("answered %d while Creating", resp.StatusCode)
	}
	if got := b.control("DeleteEndpoint", m{"EndpointName": "fraud"}); got["message"] != `Cannot update in-progress endpoint "arn:aws:sagemaker:us-east-1:000000000000:endpoint/fraud".` {
		t.Errorf("delete while Creating: %v", got)
	}
	b.do("POST", "/_emu/clock/advance", `{"by":"10m"}`)
	if got := b.control("DescribeEndpoint", m{"EndpointName": "fraud"}); got["EndpointStatus"] != "InService" {
		t.Errorf("after ten minutes: %v", got)
	}
}

func TestEverythingIsThereAfterAKill(t *testing.T) {
	dir := t.TempDir()
	b := start(t, "instant", dir)
	model := b.train("job", "builtin:xgboost", map[string]string{"num_round": "5"})
	b.deploy("fraud", "builtin:xgboost", model, 2)
	_, before := b.do("POST", "/endpoints/fraud/invocations", "0.9,3", "Content-Type", "text/csv")
	b.control("DeleteEndpointConfig", m{"EndpointConfigName": "fraud"}) // allowed: the endpoint keeps what it needs
	b.control("DeleteModel", m{"ModelName": "fraud"})

	// The first is not stopped: what the second reads is what a kill would have left.
	again := start(t, "instant", dir)
	_, after := again.do("POST", "/endpoints/fraud/invocations", "0.9,3", "Content-Type", "text/csv")
	if before == "" || before != after {
		t.Errorf("answered %q before and %q after", before, after)
	}
	got := again.control("DescribeEndpoint", m{"EndpointName": "fraud"})
	if got["EndpointStatus"] != "InService" {
		t.Errorf("endpoint: %v", got)
	}
	if got := again.control("DescribeTrainingJob", m{"TrainingJobName": "job"}); got["TrainingJobStatus"] != "Completed" {
		t.Errorf("training job: %v", got)
	}
	if _, body := again.do("GET", "/data/train/part-0.csv", ""); body != trainingData() {
		t.Error("the training data is another one")
	}
}

func TestWhatWasUnderWayGoesOnAfterAKill(t *testing.T) {
	dir := t.TempDir()
	b := start(t, "realistic", dir)
	b.config("fraud", "builtin:echo", "", 1)
	b.control("CreateEndpoint", m{"EndpointName": "fraud", "EndpointConfigName": "fraud"})
	b.stop()
	again := start(t, "instant", dir)
	if got := again.control("DescribeEndpoint", m{"EndpointName": "fraud"}); got["EndpointStatus"] != "InService" {
		t.Errorf("endpoint: %v", got)
	}
}

func TestCountsChangeInPlaceAndSurviveAnUpdateOnlyWhenRetained(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	b.deploy("fraud", "builtin:echo", "", 1)
	b.config("next", "builtin:echo", "", 1)
	count := func() any {
		return b.control("DescribeEndpoint", m{"EndpointName": "fraud"})["ProductionVariants"].([]any)[0].(m)["CurrentInstanceCount"]
	}
	for _, want := range []float64{4, 2} {
		b.control("UpdateEndpointWeightsAndCapacities", m{"EndpointName": "fraud", "DesiredWeightsAndCapacities": []m{{"VariantName": "AllTraffic", "DesiredInstanceCount": want}}})
		if got := count(); got != want {
			t.Errorf("%v instances, want %v", got, want)
		}
	}
	b.control("UpdateEndpoint", m{"EndpointName": "fraud", "EndpointConfigName": "next", "RetainAllVariantProperties": true})
	if got := count(); got != 2.0 {
		t.Errorf("%v instances after an update that retains, want 2", got)
	}
	b.control("UpdateEndpoint", m{"EndpointName": "fraud", "EndpointConfigName": "fraud"})
	if got := count(); got != 1.0 {
		t.Errorf("%v instances after an update that does not retain, want 1", got)
	}
}

func TestTrafficFollowsWeights(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	b.control("CreateModel", m{"ModelName": "echo", "PrimaryContainer": m{"Image": "builtin:echo"}})
	variant := func(name string, weight float64) m {
		return m{"VariantName": name, "ModelName": "echo", "InitialInstanceCount": 1, "InstanceType": "ml.c5.large", "InitialVariantWeight": weight}
	}
	b.control("CreateEndpointConfig", m{"EndpointConfigName": "two", "ProductionVariants": []m{variant("a", 3), variant("b", 1)}})
	b.control("CreateEndpoint", m{"EndpointName": "two", "EndpointConfigName": "two"})
	b.control("DescribeEndpoint", m{"EndpointName": "two"})
	hits := map[string]int{}
	for range 1000 {
		resp, _ := b.do("POST", "/endpoints/two/invocations", "x")
		hits[resp.Header.Get("X-Amzn-Invoked-Production-Variant")]++
	}
	if hits["a"] < 650 || hits["b"] < 150 {
		t.Errorf("hits %v, want about 750 and 250", hits)
	}
	resp, _ := b.do("POST", "/endpoints/two/invocations", "x", "X-Amzn-Sagemaker-Target-Variant", "b")
	if got := resp.Header.Get("X-Amzn-Invoked-Production-Variant"); got != "b" {
		t.Errorf("the target variant b was not asked but %q", got)
	}
}

func TestResetEmptiesEverything(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	model := b.train("job", "builtin:xgboost", map[string]string{"num_round": "2"})
	b.deploy("fraud", "builtin:xgboost", model, 1)
	if resp, body := b.do("POST", "/_emu/reset", ""); resp.StatusCode != 204 {
		t.Fatalf("answered %d %s", resp.StatusCode, body)
	}
	if resp, _ := b.do("POST", "/endpoints/fraud/invocations", "1,2"); resp.StatusCode != 400 {
		t.Errorf("invocation answered %d", resp.StatusCode)
	}
	for _, list := range []string{"Models", "EndpointConfigs", "Endpoints"} {
		if got := b.control("List"+list, m{})[list].([]any); len(got) != 0 {
			t.Errorf("%s: %v", list, got)
		}
	}
	b.deploy("fraud", "builtin:echo", "", 1) // it works on
}

func TestAnUpdateUnderWayGoesOnAfterAKill(t *testing.T) {
	dir := t.TempDir()
	first := start(t, "instant", dir)
	first.deploy("fraud", "builtin:echo", "", 1)
	first.config("next", "builtin:profile?p50=1ms", "", 2)
	first.stop()
	second := start(t, "realistic", dir)
	if resp, _ := second.do("POST", "/endpoints/fraud/invocations", "x"); resp.StatusCode != 200 {
		t.Errorf("after a restart it answered %d", resp.StatusCode)
	}
	second.control("UpdateEndpoint", m{"EndpointName": "fraud", "EndpointConfigName": "next"})
	if got := second.control("DescribeEndpoint", m{"EndpointName": "fraud"}); got["EndpointStatus"] != "Updating" || got["PendingDeploymentSummary"].(m)["EndpointConfigName"] != "next" {
		t.Errorf("while it is updated: %v", got)
	}
	third := start(t, "instant", dir)
	got := third.control("DescribeEndpoint", m{"EndpointName": "fraud"})
	if got["EndpointStatus"] != "InService" || got["EndpointConfigName"] != "next" {
		t.Errorf("after the kill: %v", got)
	}
}

func TestAResetEndsWhatIsUnderWay(t *testing.T) {
	b := start(t, "realistic", t.TempDir())
	for range 2 { // the second round finds nothing of the first
		b.config("fraud", "builtin:echo", "", 1)
		if got := b.control("CreateEndpoint", m{"EndpointName": "fraud", "EndpointConfigName": "fraud"}); got["EndpointArn"] == nil {
			t.Fatal(got)
		}
		b.control("CreateTrainingJob", m{"TrainingJobName": "job", "RoleArn": "arn:aws:iam::000000000000:role/r",
			"AlgorithmSpecification": m{"TrainingImage": "builtin:xgboost", "TrainingInputMode": "File"}, "OutputDataConfig": m{"S3OutputPath": "s3://data/models"}})
		b.do("POST", "/_emu/reset", "")
		b.do("POST", "/_emu/clock/advance", `{"by":"1h"}`)
		if got := b.control("DescribeEndpoint", m{"EndpointName": "fraud"}); got["__type"] != "ValidationException" {
			t.Errorf("after the reset: %v", got)
		}
		if got := b.control("DescribeTrainingJob", m{"TrainingJobName": "job"}); got["__type"] != "ValidationException" {
			t.Errorf("after the reset: %v", got)
		}
	}
}
