package emulator_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// in is b as one sees it who signs for an account in a region.
func (b *box) in(account, region string) *box {
	other := *b
	other.from = account + "/20261125/" + region
	return &other
}

// serviceIn is what a signature of the request would say.
func serviceIn(r *http.Request, body string) string {
	target, _, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if service, ok := map[string]string{"SageMaker": "sagemaker", "AmazonSQS": "sqs", "GraniteServiceVersion20100801": "monitoring", "AnyScaleFrontendService": "application-autoscaling"}[target]; ok {
		return service
	}
	switch {
	case strings.HasPrefix(r.URL.Path, "/endpoints/"):
		return "sagemaker"
	case strings.Contains(body, "Version=2010-03-31"):
		return "sns"
	case strings.Contains(body, "Version=2011-06-15"):
		return "sts"
	}
	return "s3"
}

func TestResourcesBelongToTheRegionAndAccountOfTheSignature(t *testing.T) {
	dir := t.TempDir()
	b := start(t, "instant", dir)
	for at := range 2 { // and again after a restart
		for _, place := range [][2]string{{"AKID", "us-east-1"}, {"AKID", "eu-west-1"}, {"123456789012", "eu-west-1"}} {
			account, region := place[0], place[1]
			if account == "AKID" {
				account = "000000000000"
			}
			here := b.in(place[0], region)
			if at == 0 {
				here.deploy("fraud", "builtin:profile?workers="+fmt.Sprint(len(region)), "", 1)
				here.newQueue("work")
				here.topic("CreateTopic", "Name", "news")
			}
			got := here.control("DescribeEndpoint", m{"EndpointName": "fraud"})
			if want := "arn:aws:sagemaker:" + region + ":" + account + ":endpoint/fraud"; got["EndpointArn"] != want || got["EndpointStatus"] != "InService" {
				t.Errorf("%s: endpoint %v", want, got)
			}
			if list := here.control("ListEndpoints", m{})["Endpoints"].([]any); len(list) != 1 {
				t.Errorf("%v: endpoints %v", place, list)
			}
			if resp, body := here.do("POST", "/endpoints/fraud/invocations", "1,2"); resp.StatusCode != 200 {
				t.Errorf("%v: invoked with %d %s", place, resp.StatusCode, body)
			}
			if got := here.queue("GetQueueUrl", m{"QueueName": "work"}); got["QueueUrl"] != b.url+"/"+account+"/work" {
				t.Errorf("%v: queue %v", place, got)
			}
			if _, body := here.topic("ListTopics"); strings.Count(body, "<member>") != 1 || element(body, "TopicArn") != "arn:aws:sns:"+region+":"+account+":news" {
				t.Errorf("%v: topics %s", place, body)
			}
			if _, body := here.do("POST", "/", "Action=GetCallerIdentity&Version=2011-06-15", "Content-Type", "application/x-www-form-urlencoded"); element(body, "Account") != account {
				t.Errorf("%v: caller %s", place, body)
			}
		}
		b.stop()
		b = start(t, "instant", dir)
	}
	for _, other := range []*box{b.in("AKID", "us-west-2"), b.in("210987654321", "eu-west-1")} {
		_, body := other.do("POST", "/endpoints/fraud/invocations", "1,2")
		if got := other.control("DescribeEndpoint", m{"EndpointName": "fraud"}); got["__type"] != "ValidationException" || !strings.Contains(body, "not found") {
			t.Errorf("elsewhere: %v, %s", got, body)
		}
	}
	if state := b.state(); !strings.Contains(state, `"123456789012/eu-west-1":{`) {
		t.Errorf("state %s", state)
	}
	if _, journal := b.do("GET", "/_emu/journal", ""); !strings.Contains(journal, `"region":"us-west-2","account":"000000000000"`) {
		t.Errorf("journal %s", journal)
	}
	b.do("POST", "/_emu/reset", "")
	if got := b.in("123456789012", "eu-west-1").control("ListEndpoints", m{})["Endpoints"].([]any); len(got) != 0 {
		t.Errorf("after a reset there are %v", got)
	}
}

func TestNotificationsReachQueuesAndLinksOfOtherRegions(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	here, there := b.in("AKID", "eu-west-1"), b.in("123456789012", "ap-south-1")
	queueURL := there.newQueue("work")
	_, made := here.topic("CreateTopic", "Name", "news")
	topic := element(made, "TopicArn")
	if status, body := here.topic("Subscribe", "TopicArn", topic, "Protocol", "sqs", "Endpoint", "arn:aws:sqs:ap-south-1:123456789012:work"); status != 200 {
		t.Fatalf("subscribed with %d %s", status, body)
	}
	if status, _ := here.topic("Subscribe", "TopicArn", topic, "Protocol", "sqs", "Endpoint", "arn:aws:sqs:ap-south-2:123456789012:work"); status == 200 {
		t.Error("subscribed to a queue of a region where there is none")
	}
	server, posts := subscriber(t, well)
	here.topic("Subscribe", "TopicArn", topic, "Protocol", "http", "Endpoint", server.URL)
	link, _ := (<-posts)["SubscribeURL"].(string)
	path := strings.TrimPrefix(link, b.url)
	if resp, body := b.do("GET", path, ""); resp.StatusCode != 200 || !strings.Contains(element(body, "SubscriptionArn"), "eu-west-1") {
		t.Fatalf("the link is answered with %d %s", resp.StatusCode, body)
	}
	here.topic("Publish", "TopicArn", topic, "Message", "hello")
	if got := (<-posts)["Message"]; got != "hello" {
		t.Errorf("posted %v", got)
	}
	if bodies, _ := there.receive(queueURL, m{"WaitTimeSeconds": 5}); len(bodies) != 1 || !strings.Contains(bodies[0], "hello") {
		t.Errorf("received %v", bodies)
	}
}

func TestBucketsAreInARegion(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	configured := func(region string) string {
		return `<CreateBucketConfiguration><LocationConstraint>` + region + `</LocationConstraint></CreateBucketConfiguration>`
	}
	for _, c := range []struct {
		name, account, from, bucket, body string
		status                            int
		says                              string
	}{
		{"made where all began", "AKID", "us-east-1", "first", "", 200, ""},
		{"made again there", "AKID", "us-east-1", "first", "", 200, ""},
		{"made from there in another region", "AKID", "us-east-1", "old", configured("EU"), 200, ""},
		{"made in another region", "AKID", "eu-west-1", "second", configured("eu-west-1"), 200, ""},
		{"made again in another region", "AKID", "eu-west-1", "second", configured("eu-west-1"), 409, "BucketAlreadyOwnedByYou"},
		{"made by another account", "123456789012", "us-east-1", "first", "", 409, "BucketAlreadyExists"},
		{"of no region that is another", "AKID", "eu-west-1", "third", "", 400, "The unspecified location constraint is incompatible"},
		{"of a region that is not the endpoint's", "AKID", "eu-west-1", "third", configured("eu-west-2"), 400, "The eu-west-2 location constraint is incompatible"},
		{"of the region that is not named", "AKID", "us-east-1", "third", configured("us-east-1"), 400, "InvalidLocationConstraint"},
		{"of what is no region", "AKID", "us-east-1", "third", configured("../x"), 400, "InvalidLocationConstraint"},
		{"of what is no XML", "AKID", "us-east-1", "third", "<", 400, "MalformedXML"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if resp, body := b.in(c.account, c.from).do("PUT", "/"+c.bucket, c.body); resp.StatusCode != c.status || !strings.Contains(body, c.says) {
				t.Errorf("answered %d %s", resp.StatusCode, body)
			}
		})
	}
	for bucket, region := range map[string]string{"first": "us-east-1", "old": "eu-west-1", "second": "eu-west-1"} {
		if resp, _ := b.do("HEAD", "/"+bucket, ""); resp.Header.Get("X-Amz-Bucket-Region") != region {
			t.Errorf("%s is in %v", bucket, resp.Header)
		}
	}
	if _, body := b.do("GET", "/second?location", ""); !strings.Contains(body, ">eu-west-1</LocationConstraint>") {
		t.Errorf("location %s", body)
	}
	if _, body := b.in("123456789012", "us-east-1").do("GET", "/", ""); strings.Contains(body, "<Name>") {
		t.Errorf("another account has %s", body)
	}
	if _, body := b.do("GET", "/?bucket-region=eu-west-1", ""); strings.Count(body, "<Name>") != 2 {
		t.Errorf("buckets of the region: %s", body)
	}
}

func TestARegionThatCannotBeIsRefusedInTheWordsOfEachService(t *testing.T) {
	b := start(t, "instant", t.TempDir()).in("AKID", "Mars_1")
	for _, c := range []struct {
		path, body, target string
		status             int
		says               string
	}{
		{"/", "{}", "SageMaker.ListModels", 400, `"InvalidSignatureException"`},
		{"/endpoints/x/invocations", "", "", 403, "InvalidSignatureException"},
		{"/", url.Values{"Action": {"ListTopics"}, "Version": {"2010-03-31"}}.Encode(), "", 403, "<Code>SignatureDoesNotMatch</Code>"},
		{"/bucket", "", "", 400, "the region &#39;Mars_1&#39; is wrong"},
	} {
		if resp, body := b.do("POST", c.path, c.body, "X-Amz-Target", c.target); resp.StatusCode != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%s: answered %d %s", c.path, resp.StatusCode, body)
		}
	}
}

func TestThereIsAnEndOfPlaces(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	says := ""
	for n := range 80 {
		got := b.in(fmt.Sprintf("%012d", n+1), "eu-west-1").control("ListModels", m{})
		if got["Models"] == nil {
			says, _ = got["message"].(string)
			break
		}
	}
	if !strings.Contains(says, "POST /_emu/reset") {
		t.Errorf("refused with %q", says)
	}
	b.do("POST", "/_emu/reset", "")
	if got := b.in("999999999999", "eu-west-1").control("ListModels", m{}); got["Models"] == nil {
		t.Errorf("after the reset: %v", got)
	}
}

func TestALimitIsSetInOnePlace(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	if resp, _ := b.do("PUT", "/_emu/limits", `{"endpoint":"fraud","concurrency":1,"region":"eu-west-1"}`); resp.StatusCode != 400 {
		t.Errorf("where nothing is: %d", resp.StatusCode)
	}
	b.in("AKID", "eu-west-1").deploy("fraud", "builtin:echo", "", 1)
	if resp, body := b.do("PUT", "/_emu/limits", `{"endpoint":"fraud","concurrency":7,"region":"eu-west-1"}`); resp.StatusCode != 204 {
		t.Errorf("answered %d %s", resp.StatusCode, body)
	}
	if _, page := b.do("GET", "/_emu/", ""); !strings.Contains(page, "<td>fraud<td>000000000000, eu-west-1<td>InService<td>fraud<td>0<td>7") {
		t.Errorf("page %s", page)
	}
}
