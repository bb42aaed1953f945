package emulator_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"betimes/internal/sagemaker/wire"
)

const (
	inputLocation = "X-Amzn-SageMaker-InputLocation"
	queueARN      = "arn:aws:sqs:us-east-1:000000000000:"
)

// async makes an asynchronous endpoint of an image whose notifications come into the queue "ended", and gives the queue's URL.
func (b *box) async(image string, instances int) string {
	b.t.Helper()
	b.do("PUT", "/data", "")
	url := b.newQueue("ended")
	_, made := b.topic("CreateTopic", "Name", "ended")
	topic := element(made, "TopicArn")
	b.topic("Subscribe", "TopicArn", topic, "Protocol", "sqs", "Endpoint", queueARN+"ended", "Attributes.entry.1.key", "RawMessageDelivery", "Attributes.entry.1.value", "true")
	b.control("CreateModel", m{"ModelName": "slow", "PrimaryContainer": m{"Image": image}})
	b.control("CreateEndpointConfig", m{"EndpointConfigName": "slow",
		"ProductionVariants": []m{{"VariantName": "AllTraffic", "ModelName": "slow", "InitialInstanceCount": instances, "InstanceType": "ml.c5.large"}},
		"AsyncInferenceConfig": m{"OutputConfig": m{"S3OutputPath": "s3://data/out", "S3FailurePath": "s3://data/bad",
			"NotificationConfig": m{"SuccessTopic": topic, "ErrorTopic": topic, "IncludeInferenceResponseIn": []string{"SUCCESS_NOTIFICATION_TOPIC"}}}}})
	b.control("CreateEndpoint", m{"EndpointName": "slow", "EndpointConfigName": "slow"})
	b.await("slow", "InService")
	return url
}

// await waits until an endpoint is in a state.
func (b *box) await(name, status string) {
	b.t.Helper()
	for {
		got := b.control("DescribeEndpoint", m{"EndpointName": name})
		if got["EndpointStatus"] == status {
			return
		}
		if got["EndpointStatus"] == "Failed" || got["__type"] != nil {
			b.t.Fatalf("endpoint %v", got)
		}
	}
}

// ended waits for the next notification of a result.
func (b *box) ended(queueURL string) m {
	b.t.Helper()
	for {
		bodies, receipts := b.receive(queueURL, m{"WaitTimeSeconds": 20, "MaxNumberOfMessages": 1})
		if len(bodies) == 0 {
			b.t.Fatal("no notification")
		}
		b.queue("DeleteMessage", m{"QueueUrl": queueURL, "ReceiptHandle": receipts[0]})
		var got m
		if err := json.Unmarshal([]byte(bodies[0]), &got); err != nil {
			b.t.Fatal(err)
		}
		if got["eventName"] != "TestNotification" {
			return got
		}
	}
}

// ask sends an asynchronous request and gives the key of its output, and of its failure.
func (b *box) ask(body string, headers ...string) (output, failure string) {
	b.t.Helper()
	resp, text := b.do("POST", "/endpoints/slow/async-invocations", body, headers...)
	if resp.StatusCode != 202 || !strings.Contains(text, `"InferenceId"`) {
		b.t.Fatalf("answered %d %s", resp.StatusCode, text)
	}
	return strings.TrimPrefix(resp.Header.Get("X-Amzn-Sagemaker-Outputlocation"), "s3:/"), strings.TrimPrefix(resp.Header.Get("X-Amzn-Sagemaker-Failurelocation"), "s3:/")
}

func TestAnAsynchronousAnswerIsAnObjectAndANotification(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	url := b.async("builtin:echo", 1)
	b.do("PUT", "/data/in.csv", "from S3")
	for _, c := range []struct {
		name, body, want string
		headers          []string
	}{
		{"from an object", "", "from S3", []string{inputLocation, "s3://data/in.csv"}},
		{"from the request", "inline", "inline", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			output, _ := b.ask(c.body, append(c.headers, "X-Amzn-SageMaker-Content-Type", "text/csv", "X-Amzn-SageMaker-Inference-Id", c.name)...)
			got := b.ended(url)
			said, _ := got["responseParameters"].(m)
			if got["invocationStatus"] != "Completed" || got["inferenceId"] != c.name || said["outputLocation"] != "s3:/"+output {
				t.Errorf("notified %v", got)
			}
			if resp, text := b.do("GET", output, ""); resp.StatusCode != 200 || text != c.want {
				t.Errorf("output %d %s", resp.StatusCode, text)
			}
		})
	}
}

func TestAnAsynchronousFailureIsWrittenAndTold(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	url := b.async("builtin:echo", 1)
	output, failure := b.ask("", inputLocation, "s3://data/none")
	got := b.ended(url)
	if reason, _ := got["failureReason"].(string); got["invocationStatus"] != "Failed" || !strings.Contains(reason, "Failed to download s3://data/none") {
		t.Errorf("notified %v", got)
	}
	if resp, text := b.do("GET", failure, ""); resp.StatusCode != 200 || !strings.Contains(text, "Failed to download") {
		t.Errorf("failure %d %s", resp.StatusCode, text)
	}
	if resp, text := b.do("GET", output, ""); resp.StatusCode != 404 || !strings.Contains(text, "NoSuchKey") {
		t.Errorf("output %d %s", resp.StatusCode, text)
	}
}

func TestRequestsWaitForInstancesUntilTheirTimeIsOver(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	url := b.async("builtin:echo", 1)
	scale := func(n int) {
		b.control("UpdateEndpointWeightsAndCapacities", m{"EndpointName": "slow", "DesiredWeightsAndCapacities": []m{{"VariantName": "AllTraffic", "DesiredInstanceCount": n}}})
		b.await("slow", "InService")
	}
	scale(0)
	_, failure := b.ask("too late", "X-Amzn-SageMaker-RequestTTLSeconds", "60")
	output, _ := b.ask("in time")
	b.do("POST", "/_emu/clock/advance", `{"by":"61s"}`)
	if got := b.ended(url); got["invocationStatus"] != "Failed" || !strings.Contains(got["failureReason"].(string), "expired") {
		t.Errorf("notified %v", got)
	}
	if resp, _ := b.do("GET", failure, ""); resp.StatusCode != 200 {
		t.Errorf("failure %d", resp.StatusCode)
	}
	scale(1)
	if got := b.ended(url); got["invocationStatus"] != "Completed" {
		t.Errorf("notified %v", got)
	}
	if _, text := b.do("GET", output, ""); text != "in time" {
		t.Errorf("output %s", text)
	}
}

func TestABacklogBringsAnInstanceAndItsEndTakesItAway(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	url := b.async("builtin:echo", 1)
	at := m{"ServiceNamespace": "sagemaker", "ResourceId": "endpoint/slow/variant/AllTraffic", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}
	with := func(more m) m {
		for name, v := range at {
			more[name] = v
		}
		return more
	}
	b.aws(scaleTarget+"RegisterScalableTarget", with(m{"MinCapacity": 0, "MaxCapacity": 2}))
	b.aws(scaleTarget+"PutScalingPolicy", with(m{"PolicyName": "track", "PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration": m{"TargetValue": 5,
		"CustomizedMetricSpecification": m{"MetricName": "ApproximateBacklogSizePerInstance", "Namespace": "AWS/SageMaker", "Statistic": "Average", "Dimensions": []m{{"Name": "EndpointName", "Value": "slow"}}}}}))
	made := b.aws(scaleTarget+"PutScalingPolicy", with(m{"PolicyName": "first", "PolicyType": "StepScaling", "StepScalingPolicyConfiguration": m{
		"AdjustmentType": "ChangeInCapacity", "StepAdjustments": []m{{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}}}}))
	b.aws("GraniteServiceVersion20100801.PutMetricAlarm", m{"AlarmName": "backlog", "Namespace": "AWS/SageMaker", "MetricName": "HasBacklogWithoutCapacity", "Dimensions": []m{{"Name": "EndpointName", "Value": "slow"}},
		"Statistic": "Average", "Period": 60, "EvaluationPeriods": 2, "Threshold": 1, "ComparisonOperator": "GreaterThanOrEqualToThreshold", "TreatMissingData": "missing", "AlarmActions": []any{made["PolicyARN"]}})
	count := func() any {
		return b.control("DescribeEndpoint", m{"EndpointName": "slow"})["ProductionVariants"].([]any)[0].(m)["CurrentInstanceCount"]
	}
	b.intoAMinute()
	for range 17 {
		b.elapse("1m")
	}
	if n := count(); n != 0.0 {
		t.Fatalf("%v instances although nothing waits", n)
	}
	output, _ := b.ask("wake up")
	for range 3 {
		b.elapse("1m")
	}
	if got := b.ended(url); got["invocationStatus"] != "Completed" {
		t.Errorf("notified %v", got)
	}
	if _, text := b.do("GET", output, ""); text != "wake up" {
		t.Errorf("output %s", text)
	}
	for range 17 { // the answer is proof of an instance; it goes when nothing waits
		b.elapse("1m")
	}
	if n := count(); n != 0.0 {
		t.Errorf("%v instances although nothing waits any longer", n)
	}
}

func TestAsynchronousRequestsSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	b := start(t, "instant", dir)
	url := b.async("builtin:echo", 1)
	b.control("UpdateEndpointWeightsAndCapacities", m{"EndpointName": "slow", "DesiredWeightsAndCapacities": []m{{"VariantName": "AllTraffic", "DesiredInstanceCount": 0}}})
	b.await("slow", "InService")
	output, _ := b.ask("kept")
	b.stop()
	b = start(t, "instant", dir)
	b.control("UpdateEndpointWeightsAndCapacities", m{"EndpointName": "slow", "DesiredWeightsAndCapacities": []m{{"VariantName": "AllTraffic", "DesiredInstanceCount": 1}}})
	b.ended(url)
	if _, text := b.do("GET", output, ""); text != "kept" {
		t.Errorf("output %s", text)
	}
}

func TestAsynchronousRequestsAreRefusedAsOnAWS(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	b.async("builtin:echo", 1)
	b.deploy("echo", "builtin:echo", "", 1)
	for _, c := range []struct {
		name, path, body string
		headers          []string
		says             string
	}{
		{"neither input nor body", "slow/async-invocations", "", nil, "either InputLocation or Body"},
		{"input and body", "slow/async-invocations", "x", []string{inputLocation, "s3://data/x"}, "either InputLocation or Body"},
		{"a body that is too large", "slow/async-invocations", strings.Repeat("x", 128001), nil, "less than or equal to 128000"},
		{"an input that is no address", "slow/async-invocations", "", []string{inputLocation, "file:///etc/passwd"}, "at 'inputLocation' failed"},
		{"a time to live that is too short", "slow/async-invocations", "x", []string{"X-Amzn-SageMaker-RequestTTLSeconds", "59"}, "at 'requestTTLSeconds' failed"},
		{"a file name with two dots", "slow/async-invocations", "x", []string{"X-Amzn-SageMaker-Filename", "a..b"}, "at 'filename' failed"},
		{"a synchronous endpoint", "echo/async-invocations", "x", nil, "is not an asynchronous endpoint"},
		{"a synchronous call of an asynchronous endpoint", "slow/invocations", "x", nil, "use InvokeEndpointAsync"},
		{"an endpoint that is not there", "none/async-invocations", "x", nil, "Endpoint none of account 000000000000 not found."},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp, text := b.do("POST", "/endpoints/"+c.path, c.body, c.headers...)
			if resp.StatusCode != 400 || resp.Header.Get("X-Amzn-Errortype") != "ValidationError" || !strings.Contains(text, c.says) {
				t.Errorf("answered %d %s", resp.StatusCode, text)
			}
		})
	}
}

// frames sends a body to a stream and gives what came.
func (b *box) frames(name, body string) []wire.Frame {
	b.t.Helper()
	resp, raw := b.do("POST", "/endpoints/"+name+"/invocations-response-stream", body)
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "application/vnd.amazon.eventstream" {
		b.t.Fatalf("answered %d %s", resp.StatusCode, raw)
	}
	in := bytes.NewReader([]byte(raw))
	var all []wire.Frame
	for {
		f, err := wire.ReadFrame(in)
		if err == io.EOF {
			return all
		}
		if err != nil {
			b.t.Fatal(err)
		}
		all = append(all, f)
	}
}

func TestAStreamPassesOnWhatTheContainerFlushes(t *testing.T) {
	next := make(chan struct{})
	model := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ping" {
			return
		}
		body, _ := io.ReadAll(r.Body)
		switch string(body) {
		case "refused":
			w.WriteHeader(http.StatusTeapot)
		case "broken":
			_, _ = w.Write([]byte("half"))
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		default:
			_, _ = w.Write([]byte("one"))
			_ = http.NewResponseController(w).Flush()
			<-next
			_, _ = w.Write([]byte("two"))
		}
	}))
	t.Cleanup(model.Close)
	b := start(t, "instant", t.TempDir())
	b.deploy("words", model.URL, "", 1)

	req, err := http.NewRequestWithContext(t.Context(), "POST", b.url+"/endpoints/words/invocations-response-stream", strings.NewReader("go"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	first, err := wire.ReadFrame(resp.Body) // comes although the model has not finished
	if err != nil || string(first.Payload) != "one" || first.Header(":event-type") != "PayloadPart" {
		t.Fatalf("first %v, %v", first, err)
	}
	close(next)
	if second, err := wire.ReadFrame(resp.Body); err != nil || string(second.Payload) != "two" {
		t.Errorf("second %v, %v", second, err)
	}
	broken := b.frames("words", "broken")
	if len(broken) != 2 || broken[1].Header(":exception-type") != "ModelStreamError" || !strings.Contains(string(broken[1].Payload), `"ErrorCode":"StreamBroken"`) {
		t.Errorf("broken %v", broken)
	}
	if resp, text := b.do("POST", "/endpoints/words/invocations-response-stream", "refused"); resp.StatusCode != 424 || resp.Header.Get("X-Amzn-Errortype") != "ModelError" {
		t.Errorf("refused %d %s", resp.StatusCode, text)
	}
}

func TestABuiltInModelStreamsItsAnswerInOnePart(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	b.deploy("echo", "builtin:echo", "", 1)
	if got := b.frames("echo", "hello"); len(got) != 1 || string(got[0].Payload) != "hello" {
		t.Errorf("frames %v", got)
	}
}
