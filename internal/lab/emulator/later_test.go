package emulator_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// subscribed makes a topic with a queue and gives the topic's ARN and the queue's URL.
func (b *box) subscribed(name string) (topic, queueURL string) {
	b.t.Helper()
	queueURL = b.newQueue(name)
	_, made := b.topic("CreateTopic", "Name", name)
	topic = element(made, "TopicArn")
	b.topic("Subscribe", "TopicArn", topic, "Protocol", "sqs", "Endpoint", queueARN+name, "Attributes.entry.1.key", "RawMessageDelivery", "Attributes.entry.1.value", "true")
	return topic, queueURL
}

func TestNotificationsAreLostLateOrRepeatedByScript(t *testing.T) {
	dir := t.TempDir()
	b := start(t, "instant", dir)
	topic, url := b.subscribed("one")
	other, otherURL := b.subscribed("two")
	publish := func(text string) {
		t.Helper()
		if status, body := b.topic("Publish", "TopicArn", topic, "Message", text); status != 200 {
			t.Fatal(body)
		}
	}
	b.fault(`{"fault":"sns_lost","match":{"topic":"one"},"count":1}`)
	publish("lost")
	b.topic("Publish", "TopicArn", other, "Message", "of another topic")
	if got, _ := b.receive(otherURL, nil); len(got) != 1 {
		t.Errorf("the other topic gave %q", got)
	}
	b.fault(`{"fault":"sns_duplicate","count":1}`)
	publish("twice")
	publish("once")
	if got, _ := b.receive(url, nil); strings.Join(got, " ") != "twice twice once" {
		t.Errorf("received %q", got)
	}
	b.fault(`{"fault":"sns_late","add":"5m","count":1}`)
	publish("late")
	publish("in time")
	if got, _ := b.receive(url, nil); strings.Join(got, " ") != "in time" {
		t.Errorf("received %q", got)
	}
	b.queue("PurgeQueue", m{"QueueUrl": url})
	b.stop() // what is late survives
	b = start(t, "instant", dir)
	url = b.queue("GetQueueUrl", m{"QueueName": "one"})["QueueUrl"].(string)
	b.elapse("5m")
	if got, _ := b.receive(url, nil); strings.Join(got, " ") != "late" {
		t.Errorf("received %q", got)
	}
}

func TestANotificationForAnHTTPServerComesTwice(t *testing.T) {
	posts := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var n struct{ Type, Token, MessageId string }
		_ = json.NewDecoder(r.Body).Decode(&n)
		if n.Token != "" {
			posts <- n.Token
			return
		}
		posts <- n.MessageId
	}))
	t.Cleanup(server.Close)
	b := start(t, "instant", t.TempDir())
	_, made := b.topic("CreateTopic", "Name", "web")
	topic := element(made, "TopicArn")
	b.topic("Subscribe", "TopicArn", topic, "Protocol", "http", "Endpoint", server.URL)
	if status, body := b.topic("ConfirmSubscription", "TopicArn", topic, "Token", <-posts); status != 200 {
		t.Fatal(body)
	}
	b.fault(`{"fault":"sns_duplicate","count":1}`)
	b.topic("Publish", "TopicArn", topic, "Message", "x")
	if one, two := <-posts, <-posts; one != two || one == "" {
		t.Errorf("posted %s and %s", one, two)
	}
}

func TestAnAsynchronousResultIsLostOrLateByScript(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	url := b.async("builtin:echo", 1)
	b.fault(`{"fault":"lost_result","match":{"operation":"InvokeEndpointAsync","endpoint":"slow"},"count":1}`)
	lost, _ := b.ask("lost")
	b.until("lost_result")
	b.fault(`{"fault":"late_result","add":"10m","count":1}`)
	late, _ := b.ask("late")
	b.until("late_result")
	output, _ := b.ask("in time")
	if got := b.ended(url); got["invocationStatus"] != "Completed" {
		t.Errorf("notified %v", got)
	}
	for key, want := range map[string]int{lost: 404, late: 404, output: 200} {
		if resp, _ := b.do("GET", key, ""); resp.StatusCode != want {
			t.Errorf("%s answered %d, want %d", key, resp.StatusCode, want)
		}
	}
	b.elapse("10m")
	if got := b.ended(url); got["responseParameters"].(m)["outputLocation"] != "s3:/"+late {
		t.Errorf("notified %v", got)
	}
	if _, text := b.do("GET", late, ""); text != "late" {
		t.Errorf("output %s", text)
	}
	if resp, _ := b.do("GET", lost, ""); resp.StatusCode != 404 {
		t.Errorf("what was lost is there: %d", resp.StatusCode)
	}
}

// until waits until a fault has hit.
func (b *box) until(kind string) {
	b.t.Helper()
	for {
		if _, text := b.do("GET", "/_emu/journal", ""); strings.Contains(text, `"kind":"fault"`) && strings.Contains(text, `"text":"`+kind) {
			return
		}
		if b.t.Context().Err() != nil {
			b.t.Fatalf("%s has not hit", kind)
		}
	}
}

func TestAStreamEndsWithAnExceptionByScript(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	b.deploy("echo", "builtin:echo", "", 1)
	for _, c := range []struct{ fault, exception, payload string }{
		{`{"fault":"stream_error","count":1}`, "ModelStreamError", `"ErrorCode":"StreamBroken"`},
		{`{"fault":"stream_error","code":"ModelInvocationTimeExceeded","body":"too slow","count":1}`, "ModelStreamError", `{"ErrorCode":"ModelInvocationTimeExceeded","Message":"too slow"}`},
		{`{"fault":"stream_failure","count":1}`, "InternalStreamFailure", `{"Message":"An internal failure occurred."}`},
	} {
		b.fault(c.fault)
		if _, body := b.do("POST", "/endpoints/echo/invocations", "whole"); body != "whole" {
			t.Errorf("%s hit a call that is no stream: %s", c.fault, body)
		}
		got := b.frames("echo", "12345678")
		if len(got) != 2 || string(got[0].Payload) != "1234" || got[1].Header(":message-type") != "exception" || got[1].Header(":exception-type") != c.exception || !strings.Contains(string(got[1].Payload), c.payload) {
			t.Errorf("%s gave %v", c.fault, got)
		}
	}
	if got := b.frames("echo", "12345678"); len(got) != 1 {
		t.Errorf("without a fault %v", got)
	}
}

func TestStorageFailsByScript(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	b.do("PUT", "/data", "")
	b.do("PUT", "/other", "")
	b.fault(`{"fault":"s3_error","match":{"operation":"PutObject","bucket":"data"},"count":1}`)
	b.fault(`{"fault":"s3_error","match":{"operation":"GetObject"},"status":503,"count":1}`)
	for _, c := range []struct {
		method, path string
		status       int
		says         string
	}{
		{"PUT", "/other/key", 200, ""},
		{"PUT", "/data/key", 500, "<Code>InternalError</Code>"},
		{"HEAD", "/data/key", 404, ""},
		{"PUT", "/data/key", 200, ""},
		{"GET", "/data/key", 503, "<Code>SlowDown</Code>"},
		{"GET", "/data/key", 200, "x"},
	} {
		if resp, body := b.do(c.method, c.path, "x"); resp.StatusCode != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%s %s answered %d %s", c.method, c.path, resp.StatusCode, body)
		}
	}
}

// measured gives the sum of a metric of the asynchronous endpoint slow.
func (b *box) measured(metric string, dimensions ...m) float64 {
	b.t.Helper()
	stat := m{"Metric": m{"Namespace": "AWS/SageMaker", "MetricName": metric, "Dimensions": dimensions}, "Period": 86400, "Stat": "Sum"}
	found := b.aws("GraniteServiceVersion20100801.GetMetricData", m{"MetricDataQueries": []m{{"Id": "q", "MetricStat": stat}}, "StartTime": 0, "EndTime": 4102444800})
	sum := 0.0
	for _, v := range found["MetricDataResults"].([]any)[0].(m)["Values"].([]any) {
		sum += v.(float64)
	}
	return sum
}

func TestAsynchronousEndpointsHaveMetricsOfTheirOwn(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	url := b.async("builtin:echo", 1)
	b.do("PUT", "/data/in", "input")
	b.ask("", inputLocation, "s3://data/in")
	b.ended(url)
	b.ask("", inputLocation, "s3://data/none")
	b.ended(url)
	b.control("UpdateEndpointWeightsAndCapacities", m{"EndpointName": "slow", "DesiredWeightsAndCapacities": []m{{"VariantName": "AllTraffic", "DesiredInstanceCount": 0}}})
	b.await("slow", "InService")
	b.ask("too late", "X-Amzn-SageMaker-RequestTTLSeconds", "60")
	b.elapse("2m")
	b.ended(url)
	b.elapse("1m")
	endpoint, variant := m{"Name": "EndpointName", "Value": "slow"}, m{"Name": "VariantName", "Value": "AllTraffic"}
	for metric, want := range map[string]float64{
		"InvocationsProcesssed": 2, "RequestDownloadFailures": 1, "ExpiredRequests": 1, "ResponseUploadFailures": 0, "InvocationFailures": 0, "NotificationFailures": 0,
		"Invocation5XXErrors": 0, "Invocations": 0, "InvocationsPerInstance": 0, "OverheadLatency": 0, "ConcurrentRequestsPerModel": 0,
	} {
		if got := b.measured(metric, endpoint, variant); got != want {
			t.Errorf("%s is %v, want %v", metric, got, want)
		}
	}
	list := fmt.Sprint(b.aws("GraniteServiceVersion20100801.ListMetrics", m{"Namespace": "AWS/SageMaker"}))
	for _, metric := range []string{"ApproximateBacklogSize", "ApproximateAgeOfOldestRequest", "HasBacklogWithoutCapacity", "RequestDownloadLatency", "ResponseUploadLatency", "TimeInBacklog", "TotalProcessingTime", "ModelLatency"} {
		if !strings.Contains(list, "MetricName:"+metric+" ") {
			t.Errorf("%s is not published", metric)
		}
	}
	if strings.Contains(list, "MetricName:Invocations ") {
		t.Error("Invocations is published: a policy on it would fire here and never on AWS")
	}
	if got := b.measured("HasBacklogWithoutCapacity", endpoint); got == 0 {
		t.Error("a backlog without an instance is not told")
	}
}

func TestAnAsynchronousAnswerMayBeLargerThanOneAtOnce(t *testing.T) {
	const size = 26 << 20
	model := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/ping" {
			w.Header().Set("Content-Length", fmt.Sprint(size))
			_, _ = w.Write(make([]byte, size))
		}
	}))
	t.Cleanup(model.Close)
	b := start(t, "instant", t.TempDir())
	url := b.async(model.URL, 1)
	output, _ := b.ask("much")
	if got := b.ended(url); got["invocationStatus"] != "Completed" {
		t.Errorf("notified %v", got)
	}
	if resp, _ := b.do("HEAD", output, ""); resp.ContentLength != size {
		t.Errorf("the output has %d bytes", resp.ContentLength)
	}
	b.deploy("now", model.URL, "", 1)
	if resp, text := b.do("POST", "/endpoints/now/invocations", "much"); resp.StatusCode != 424 || !strings.Contains(text, "more than 26214400 bytes") {
		t.Errorf("answered %d %s", resp.StatusCode, text[:min(len(text), 200)])
	}
}

func TestWhatWaitsForADeletedEndpointIsNotAskedOfTheNext(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	url := b.async("builtin:echo", 1)
	b.control("UpdateEndpointWeightsAndCapacities", m{"EndpointName": "slow", "DesiredWeightsAndCapacities": []m{{"VariantName": "AllTraffic", "DesiredInstanceCount": 0}}})
	b.await("slow", "InService")
	old, _ := b.ask("of the old one")
	b.control("DeleteEndpoint", m{"EndpointName": "slow"})
	for b.control("DescribeEndpoint", m{"EndpointName": "slow"})["__type"] == nil {
	}
	b.control("CreateEndpoint", m{"EndpointName": "slow", "EndpointConfigName": "slow"})
	b.await("slow", "InService")
	output, _ := b.ask("of the new one")
	if got := b.ended(url); got["responseParameters"].(m)["outputLocation"] != "s3:/"+output {
		t.Errorf("notified %v", got)
	}
	if resp, _ := b.do("GET", old, ""); resp.StatusCode != 404 {
		t.Errorf("the old request was answered: %d", resp.StatusCode)
	}
	if _, text := b.do("GET", "/_emu/journal", ""); !strings.Contains(text, "Dropped 1 that waited") {
		t.Error("the journal does not say what was dropped")
	}
}
