package emulator_test

import (
	"encoding/json"
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

func TestFaultsThatCannotHitAreRefused(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	for fault, says := range map[string]string{
		`{"fault":"sns_late"}`:                                            `sns_late needs \"add\":\"5s\"`,
		`{"fault":"sns_lost","match":{"endpoint":"x"}}`:                   "sns_lost happens at no endpoint",
		`{"fault":"throttle","match":{"topic":"x"}}`:                      "match.topic is for",
		`{"fault":"throttle","match":{"bucket":"x"}}`:                     "match.bucket is for s3_error",
		`{"fault":"s3_error","status":404}`:                               "use 500 (InternalError) or 503 (SlowDown)",
		`{"fault":"s3_error","match":{"operation":"InvokeEndpoint"}}`:     `has no fault s3_error; use AbortMultipartUpload or`,
		`{"fault":"stream_error","code":"Other"}`:                         "is StreamBroken or ModelInvocationTimeExceeded",
		`{"fault":"stream_error","match":{"operation":"InvokeEndpoint"}}`: "use InvokeEndpointWithResponseStream",
	} {
		if resp, body := b.do("POST", "/_emu/faults", fault); resp.StatusCode != 400 || !strings.Contains(body, says) {
			t.Errorf("%s answered %d %s", fault, resp.StatusCode, body)
		}
	}
}
