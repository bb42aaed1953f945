package emulator_test

import (
	"strings"
	"testing"
)

// serveModel deploys a model, as it was asked for, behind the endpoint of its name.
func (b *box) serveModel(model m) {
	b.t.Helper()
	name := model["ModelName"]
	if got := b.control("CreateModel", model); got["ModelArn"] == nil {
		b.t.Fatalf("model: %v", got)
	}
	b.control("CreateEndpointConfig", m{"EndpointConfigName": name, "ProductionVariants": []m{{"VariantName": "all", "ModelName": name, "InitialInstanceCount": 1, "InstanceType": "ml.c5.large"}}})
	b.control("CreateEndpoint", m{"EndpointName": name, "EndpointConfigName": name})
	if got := b.control("DescribeEndpoint", m{"EndpointName": name}); got["EndpointStatus"] != "InService" {
		b.t.Fatalf("endpoint: %v", got)
	}
}

func TestContainersInARowPassTheirAnswersOn(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	b.serveModel(m{"ModelName": "row", "Containers": []m{{"Image": "builtin:echo", "ContainerHostname": "first"}, {"Image": "builtin:profile?p50=1us", "ContainerHostname": "second"}}})
	_, alone := b.do("POST", "/endpoints/row/invocations", "a\nb", "Content-Type", "text/csv", "Accept", "application/json")
	if strings.Count(alone, "score") != 2 {
		t.Errorf("answered %s, want two scores of the second container", alone)
	}
	if got := b.control("DescribeEndpoint", m{"EndpointName": "row"})["ProductionVariants"].([]any)[0].(m)["DeployedImages"].([]any); len(got) != 2 {
		t.Errorf("images %v", got)
	}
}

func TestContainersAreAskedByTheirNames(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	model := b.train("job", "builtin:xgboost", map[string]string{"num_round": "2"})
	b.serveModel(m{"ModelName": "direct", "InferenceExecutionConfig": m{"Mode": "Direct"}, "Containers": []m{
		{"Image": "builtin:echo", "ContainerHostname": "echo"}, {"Image": "builtin:xgboost", "ModelDataUrl": model, "ContainerHostname": "trees"}}})
	const header = "X-Amzn-Sagemaker-Target-Container-Hostname"
	if resp, body := b.do("POST", "/endpoints/direct/invocations", "x", header, "echo"); resp.StatusCode != 200 || body != "x" {
		t.Errorf("echo answered %d %s", resp.StatusCode, body)
	}
	resp, body := b.do("POST", "/endpoints/direct/invocations", "no,numbers", "Content-Type", "text/csv", header, "trees")
	if resp.StatusCode != 424 || !strings.Contains(body, "Received client error (415) from trees with message") {
		t.Errorf("trees answered %d %s", resp.StatusCode, body)
	}
	for name, headers := range map[string][]string{"no name": nil, "a name that is not there": {header, "none"}} {
		if resp, body := b.do("POST", "/endpoints/direct/invocations", "x", headers...); resp.StatusCode != 400 || resp.Header.Get("X-Amzn-Errortype") != "ValidationError" {
			t.Errorf("%s: answered %d %s", name, resp.StatusCode, body)
		}
	}
}

const targetModel = "X-Amzn-Sagemaker-Target-Model"

func TestOneEndpointServesManyModels(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	up := b.train("job", "builtin:xgboost", map[string]string{"num_round": "20", "objective": "binary:logistic"})
	b.do("PUT", "/data/many/up.tar.gz", b.get(strings.TrimPrefix(up, "s3:/")))
	b.serveModel(m{"ModelName": "many", "PrimaryContainer": m{"Image": "builtin:xgboost", "Mode": "MultiModel", "ModelDataUrl": "s3://data/many/"}})
	invoke := func(model string) (int, string, string) {
		resp, body := b.do("POST", "/endpoints/many/invocations", "0.9,3\n0.1,3", "Content-Type", "text/csv", targetModel, model)
		return resp.StatusCode, resp.Header.Get("X-Amzn-Errortype"), body
	}
	for range 2 {
		status, _, body := invoke("up.tar.gz")
		if status != 200 {
			t.Fatalf("answered %d %s", status, body)
		}
		if high, low := scoresOf(t, body); high < 0.8 || low > 0.2 {
			t.Errorf("scores %g and %g", high, low)
		}
	}
	if status, kind, body := invoke("later.tar.gz"); status != 400 || kind != "ValidationError" || !strings.Contains(body, "Failed to download model data(bucket: data, key: many/later.tar.gz).") {
		t.Errorf("a model that is not there: %d %s %s", status, kind, body)
	}
	b.do("PUT", "/data/many/later.tar.gz", b.get(strings.TrimPrefix(up, "s3:/")))
	if status, _, body := invoke("later.tar.gz"); status != 200 {
		t.Errorf("a model that came later: %d %s", status, body)
	}
	if resp, body := b.do("POST", "/endpoints/many/invocations", "x"); resp.StatusCode != 400 || !strings.Contains(body, "TargetModel") {
		t.Errorf("no model named: %d %s", resp.StatusCode, body)
	}
}

func (b *box) get(path string) string {
	b.t.Helper()
	_, body := b.do("GET", path, "")
	return body
}

func TestAShadowGetsCopiesAndNobodyWaitsForIt(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	for name, image := range map[string]string{"live": "builtin:echo", "slow": "builtin:profile?p50=50ms"} {
		b.control("CreateModel", m{"ModelName": name, "PrimaryContainer": m{"Image": image}})
	}
	variant := func(name string, weight float64) m {
		return m{"VariantName": name, "ModelName": name, "InitialInstanceCount": 1, "InstanceType": "ml.c5.large", "InitialVariantWeight": weight}
	}
	b.control("CreateEndpointConfig", m{"EndpointConfigName": "e", "ProductionVariants": []m{variant("live", 2)}, "ShadowProductionVariants": []m{variant("slow", 1)}})
	b.control("CreateEndpoint", m{"EndpointName": "e", "EndpointConfigName": "e"})
	got := b.control("DescribeEndpoint", m{"EndpointName": "e"})
	if len(got["ProductionVariants"].([]any)) != 1 || got["ShadowProductionVariants"].([]any)[0].(m)["VariantName"] != "slow" {
		t.Fatalf("endpoint: %v", got)
	}
	const calls = 200
	for range calls {
		if resp, body := b.do("POST", "/endpoints/e/invocations", "x"); resp.StatusCode != 200 || body != "x" || resp.Header.Get("X-Amzn-Invoked-Production-Variant") != "live" {
			t.Fatalf("answered %d %s", resp.StatusCode, body)
		}
	}
	b.control("DeleteEndpoint", m{"EndpointName": "e"})
	b.stop() // instances are closed: copies that wait are answered or fail
}
