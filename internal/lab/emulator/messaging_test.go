package emulator_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// queue calls SQS in JSON.
func (b *box) queue(operation string, request m) m {
	b.t.Helper()
	raw, err := json.Marshal(request)
	if err != nil {
		b.t.Fatal(err)
	}
	_, body := b.do("POST", "/", string(raw), "X-Amz-Target", "AmazonSQS."+operation, "Content-Type", "application/x-amz-json-1.0")
	var got m
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		b.t.Fatalf("%s: %v in %s", operation, err, body)
	}
	return got
}

// newQueue makes a queue and gives its URL.
func (b *box) newQueue(name string) string {
	b.t.Helper()
	url, ok := b.queue("CreateQueue", m{"QueueName": name})["QueueUrl"].(string)
	if !ok {
		b.t.Fatalf("no queue %s", name)
	}
	return url
}

// receive gives the bodies that are in a queue now.
func (b *box) receive(queueURL string, more m) (bodies, receipts []string) {
	b.t.Helper()
	request := m{"QueueUrl": queueURL, "MaxNumberOfMessages": 10}
	for name, v := range more {
		request[name] = v
	}
	list, _ := b.queue("ReceiveMessage", request)["Messages"].([]any)
	for _, one := range list {
		got := one.(m)
		bodies, receipts = append(bodies, got["Body"].(string)), append(receipts, got["ReceiptHandle"].(string))
	}
	return bodies, receipts
}

// topic calls SNS and gives status and XML.
func (b *box) topic(operation string, pairs ...string) (int, string) {
	b.t.Helper()
	values := url.Values{"Action": {operation}, "Version": {"2010-03-31"}}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	resp, body := b.do("POST", "/", values.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	return resp.StatusCode, body
}

// element is the text of the first element of a name.
func element(body, name string) string {
	found := regexp.MustCompile("<" + name + ">([^<]*)</" + name + ">").FindStringSubmatch(body)
	if found == nil {
		return ""
	}
	return found[1]
}

func TestAMessageIsHiddenUntilItsTimeIsOverAndGoneOnceDeleted(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	url := b.newQueue("work")
	b.queue("SendMessage", m{"QueueUrl": url, "MessageBody": "one"})
	first, _ := b.receive(url, nil)
	if again, _ := b.receive(url, nil); len(first) != 1 || first[0] != "one" || len(again) != 0 {
		t.Fatalf("received %v, then %v", first, again)
	}
	b.do("POST", "/_emu/clock/advance", `{"by":"30s"}`)
	second, receipts := b.receive(url, nil)
	if len(second) != 1 {
		t.Fatalf("not back after its time: %v", second)
	}
	b.queue("DeleteMessage", m{"QueueUrl": url, "ReceiptHandle": receipts[0]})
	b.do("POST", "/_emu/clock/advance", `{"by":"30s"}`)
	if third, _ := b.receive(url, nil); len(third) != 0 {
		t.Errorf("deleted and back: %v", third)
	}
}

func TestALongPollEndsWithTheFirstMessage(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	url := b.newQueue("work")
	got := make(chan []string)
	go func() {
		bodies, _ := b.receive(url, m{"WaitTimeSeconds": 20})
		got <- bodies
	}()
	b.queue("SendMessage", m{"QueueUrl": url, "MessageBody": "late"})
	if bodies := <-got; len(bodies) != 1 || bodies[0] != "late" {
		t.Errorf("received %v", bodies)
	}
}

func TestMessagesAndTopicsSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	b := start(t, "instant", dir)
	url := b.newQueue("kept")
	_, made := b.topic("CreateTopic", "Name", "news")
	arn := element(made, "TopicArn")
	b.topic("Subscribe", "TopicArn", arn, "Protocol", "sqs", "Endpoint", "arn:aws:sqs:us-east-1:000000000000:kept")
	for _, text := range []string{"a", "b", "c"} {
		b.queue("SendMessage", m{"QueueUrl": url, "MessageBody": text})
	}
	_, receipts := b.receive(url, m{"MaxNumberOfMessages": 1})
	b.queue("DeleteMessage", m{"QueueUrl": url, "ReceiptHandle": receipts[0]})
	b.stop()
	b = start(t, "instant", dir)
	if bodies, _ := b.receive(url, nil); strings.Join(bodies, "") != "bc" {
		t.Errorf("after the restart: %v", bodies)
	}
	if status, body := b.topic("Publish", "TopicArn", arn, "Message", "hello"); status != 200 {
		t.Fatalf("published %d %s", status, body)
	}
	if bodies, _ := b.receive(url, nil); len(bodies) != 1 || !strings.Contains(bodies[0], `"Message":"hello"`) {
		t.Errorf("notified %v", bodies)
	}
}

// subscriber is an HTTP server that keeps what SNS posts.
func subscriber(t *testing.T, status func(nth int) int) (*httptest.Server, chan m) {
	t.Helper()
	posts, nth := make(chan m, 100), 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var got m
		if json.Unmarshal(body, &got) != nil {
			got = m{"raw": string(body)}
		}
		got["header"] = r.Header.Get("X-Amz-Sns-Message-Type")
		nth++
		w.WriteHeader(status(nth))
		posts <- got
	}))
	t.Cleanup(server.Close)
	return server, posts
}

func well(int) int { return http.StatusOK }

func TestAnHTTPSubscriberConfirmsAndIsThenNotified(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	server, posts := subscriber(t, well)
	_, made := b.topic("CreateTopic", "Name", "news")
	arn := element(made, "TopicArn")
	if _, body := b.topic("Subscribe", "TopicArn", arn, "Protocol", "http", "Endpoint", server.URL); element(body, "SubscriptionArn") != "pending confirmation" {
		t.Fatalf("subscribed %s", body)
	}
	ask := <-posts
	if ask["header"] != "SubscriptionConfirmation" || ask["Type"] != "SubscriptionConfirmation" {
		t.Fatalf("asked %v", ask)
	}
	b.topic("Publish", "TopicArn", arn, "Message", "too early")
	confirm := strings.TrimPrefix(ask["SubscribeURL"].(string), b.url)
	if resp, body := b.do("GET", confirm, ""); resp.StatusCode != 200 || !strings.HasPrefix(element(body, "SubscriptionArn"), arn+":") {
		t.Fatalf("confirmed %d %s", resp.StatusCode, body)
	}
	b.topic("Publish", "TopicArn", arn, "Message", "hello", "Subject", "greeting")
	if got := <-posts; got["Message"] != "hello" || got["Subject"] != "greeting" || got["header"] != "Notification" {
		t.Errorf("notified %v", got)
	}
}

func TestANotificationThatFailsIsTriedAgain(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	server, posts := subscriber(t, func(nth int) int {
		if nth < 3 {
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	})
	_, made := b.topic("CreateTopic", "Name", "news")
	b.topic("Subscribe", "TopicArn", element(made, "TopicArn"), "Protocol", "http", "Endpoint", server.URL)
	for range 3 {
		if got := <-posts; got["header"] != "SubscriptionConfirmation" {
			t.Errorf("posted %v", got)
		}
	}
}

func TestTopicsAndQueuesRefuseAsOnAWS(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	queueURL := b.newQueue("work")
	_, made := b.topic("CreateTopic", "Name", "news")
	arn := element(made, "TopicArn")
	for _, c := range []struct {
		name   string
		pairs  []string
		status int
		says   string
	}{
		{"a topic that is not there", []string{"Publish", "TopicArn", arn + "x", "Message", "m"}, 404, "<Code>NotFound</Code>"},
		{"an empty message", []string{"Publish", "TopicArn", arn}, 400, "Invalid parameter: Empty message"},
		{"a message that is too long", []string{"Publish", "TopicArn", arn, "Message", strings.Repeat("x", 262145)}, 400, "Message too long"},
		{"another machine", []string{"Subscribe", "TopicArn", arn, "Protocol", "http", "Endpoint", "http://10.0.0.1/"}, 400, "is not on this machine"},
		{"the address of cloud metadata", []string{"Subscribe", "TopicArn", arn, "Protocol", "http", "Endpoint", "http://169.254.169.254/latest"}, 400, "is not on this machine"},
		{"a queue that is not there", []string{"Subscribe", "TopicArn", arn, "Protocol", "sqs", "Endpoint", "arn:aws:sqs:us-east-1:000000000000:none"}, 400, "there is no queue"},
		{"mail", []string{"Subscribe", "TopicArn", arn, "Protocol", "email", "Endpoint", "a@example.com"}, 400, "the protocol email is not built"},
		{"a filter", []string{"Subscribe", "TopicArn", arn, "Protocol", "sqs", "Endpoint", "arn:aws:sqs:us-east-1:000000000000:work", "Attributes.entry.1.key", "FilterPolicy", "Attributes.entry.1.value", "{}"}, 400, "FilterPolicy is not built"},
		{"a token that is none", []string{"ConfirmSubscription", "TopicArn", arn, "Token", "x"}, 400, "Invalid parameter: Token"},
		{"a topic of bad name", []string{"CreateTopic", "Name", "a b"}, 400, "Topic Name"},
		{"an operation that is not built", []string{"PublishBatch"}, 400, "not known to this emulator"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if status, body := b.topic(c.pairs[0], c.pairs[1:]...); status != c.status || !strings.Contains(body, c.says) {
				t.Errorf("answered %d %s", status, body)
			}
		})
	}
	for _, c := range []struct {
		name, operation string
		request         m
		kind            string
	}{
		{"a queue that is not there", "SendMessage", m{"QueueUrl": queueURL + "x", "MessageBody": "m"}, "QueueDoesNotExist"},
		{"an empty message", "SendMessage", m{"QueueUrl": queueURL, "MessageBody": ""}, "MissingParameter"},
		{"a message that is too long", "SendMessage", m{"QueueUrl": queueURL, "MessageBody": strings.Repeat("x", 1048577)}, "InvalidParameterValue"},
		{"a wait that is too long", "ReceiveMessage", m{"QueueUrl": queueURL, "WaitTimeSeconds": 21}, "InvalidParameterValue"},
		{"a receipt that is none", "DeleteMessage", m{"QueueUrl": queueURL, "ReceiptHandle": "x"}, "ReceiptHandleIsInvalid"},
		{"an empty batch", "SendMessageBatch", m{"QueueUrl": queueURL, "Entries": []m{}}, "EmptyBatchRequest"},
		{"a queue that exists otherwise", "CreateQueue", m{"QueueName": "work", "Attributes": m{"DelaySeconds": "5"}}, "QueueNameExists"},
		{"a FIFO queue", "CreateQueue", m{"QueueName": "work.fifo"}, "UnsupportedOperation"},
		{"an attribute that is none", "CreateQueue", m{"QueueName": "new", "Attributes": m{"Speed": "5"}}, "InvalidAttributeName"},
		{"an operation that is not built", "StartMessageMoveTask", m{}, "UnknownOperationException"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := b.queue(c.operation, c.request); got["__type"] != "com.amazonaws.sqs#"+c.kind {
				t.Errorf("answered %v", got)
			}
		})
	}
}

func TestQueuesSpeakTheOlderProtocolToo(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	ask := func(path, form string) string {
		_, body := b.do("POST", path, form+"&Version=2012-11-05", "Content-Type", "application/x-www-form-urlencoded", "Authorization", scope("sqs"))
		return body
	}
	made := ask("/", "Action=CreateQueue&QueueName=old&Attribute.1.Name=VisibilityTimeout&Attribute.1.Value=60")
	if element(made, "QueueUrl") != b.url+"/000000000000/old" {
		t.Fatalf("created %s", made)
	}
	at := "/000000000000/old"
	ask(at, "Action=SendMessage&MessageBody=%3Cone%3E&MessageAttribute.1.Name=n&MessageAttribute.1.Value.DataType=Number&MessageAttribute.1.Value.StringValue=5")
	ask(at, "Action=SendMessageBatch&SendMessageBatchRequestEntry.1.Id=a&SendMessageBatchRequestEntry.1.MessageBody=two")
	got := ask(at, "Action=ReceiveMessage&MaxNumberOfMessages=10&AttributeName.1=All&MessageAttributeName.1=All")
	if strings.Count(got, "<Message>") != 2 || !strings.Contains(got, "<Body>&lt;one&gt;</Body>") ||
		!strings.Contains(got, "<MessageAttribute><Name>n</Name><Value><DataType>Number</DataType><StringValue>5</StringValue></Value></MessageAttribute>") {
		t.Errorf("received %s", got)
	}
	if all := ask(at, "Action=GetQueueAttributes&AttributeName.1=VisibilityTimeout"); !strings.Contains(all, "<Attribute><Name>VisibilityTimeout</Name><Value>60</Value></Attribute>") {
		t.Errorf("attributes %s", all)
	}
	ask(at, "Action=DeleteMessage&ReceiptHandle="+url.QueryEscape(element(got, "ReceiptHandle")))
	if none := ask("/000000000000/none", "Action=PurgeQueue"); element(none, "Code") != "AWS.SimpleQueueService.NonExistentQueue" {
		t.Errorf("refused %s", none)
	}
}
