package emulator_test

import (
	"net/http"
	"strings"
	"testing"

	"betimes/internal/lab/emulator/injection"
)

func TestAFaultHitsTheRequestsThatItMatches(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	b.deploy("echo", "builtin:echo", "", 1)
	const (
		id     = "X-Amzn-SageMaker-Inference-Id"
		target = "X-Amzn-SageMaker-Target-Variant"
	)
	for _, c := range []struct {
		name, match, body string
		headers           []string
		hit               bool
	}{
		{"of its inference id", `{"inference_id":"pay-1"}`, "x", []string{id, "pay-1"}, true},
		{"not of another inference id", `{"inference_id":"pay-1"}`, "x", []string{id, "pay-2"}, false},
		{"not without an inference id", `{"inference_id":"pay-1"}`, "x", nil, false},
		{"of its target variant", `{"target_variant":"AllTraffic"}`, "x", []string{target, "AllTraffic"}, true},
		{"not of a variant that was chosen by weight", `{"target_variant":"AllTraffic"}`, "x", nil, false},
		{"of the variant that was chosen", `{"variant":"AllTraffic"}`, "x", nil, true},
		{"whose body contains a text", `{"body":{"contains":"tok_13"}}`, "9,tok_13,1", nil, true},
		{"not of a body without it", `{"body":{"contains":"tok_13"}}`, "9,tok_14,1", nil, false},
		{"of a value in JSON", `{"body":{"pointer":"/instances/1/card","equals":"a/b"}}`, `{"instances":[{},{"card":"a/b"}]}`, nil, true},
		{"of a member with a slash", `{"body":{"pointer":"/a~1b/~0","equals":null}}`, `{"a/b":{"~":null}}`, nil, true},
		{"of a number however it is written", `{"body":{"pointer":"/n","equals":1.50}}`, `{"n":1.5}`, nil, true},
		{"of a whole number by all its digits", `{"body":{"pointer":"/n","equals":9007199254740993}}`, `{"n":9007199254740992}`, nil, false},
		{"of a whole value", `{"body":{"pointer":"","equals":{"a":[1,true,"x"]}}}`, `{"a": [1.0, true, "x"]}`, nil, true},
		{"not of a list that is longer", `{"body":{"pointer":"","equals":[1]}}`, `[1,2]`, nil, false},
		{"not beyond the end of a list", `{"body":{"pointer":"/1","equals":1}}`, `[1]`, nil, false},
		{"not of what is no JSON", `{"body":{"pointer":"/n","equals":1}}`, `{"n":1`, nil, false},
		{"of home's region", `{"region":"us-east-1","account":"000000000000"}`, "x", nil, true},
		{"not of another region", `{"region":"eu-west-1"}`, "x", nil, false},
		{"not of another account", `{"account":"123456789012"}`, "x", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer b.do("DELETE", "/_emu/faults/"+b.fault(`{"fault":"unavailable","match":`+c.match+`}`), "")
			want := http.StatusOK
			if c.hit {
				want = http.StatusServiceUnavailable
			}
			if resp, body := b.do("POST", "/endpoints/echo/invocations", c.body, c.headers...); resp.StatusCode != want {
				t.Errorf("answered %d %s", resp.StatusCode, body)
			}
		})
	}
}

func TestAFaultOfARegionHitsAllServicesThereAndNoneElsewhere(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	b.fault(`{"fault":"s3_error","match":{"region":"eu-west-1"}}`)
	for region, want := range map[string]int{"us-east-1": 200, "eu-west-1": 500} {
		b.from = "AKID/20260101/" + region
		if resp, body := b.do("GET", "/", ""); resp.StatusCode != want {
			t.Errorf("%s answered %d %s", region, resp.StatusCode, body)
		}
	}
}

func TestTheSubmissionOfAnAsynchronousRequestFailsByScript(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	url := b.async("builtin:echo", 1)
	for _, c := range []struct {
		fault  string
		status int
		kind   string
	}{
		{`{"fault":"throttle","count":1}`, 400, "ThrottlingException"},
		{`{"fault":"internal","count":1,"match":{"operation":"InvokeEndpointAsync","endpoint":"slow"}}`, 500, "InternalFailure"},
		{`{"fault":"unavailable","count":1,"match":{"inference_id":"pay-1"}}`, 503, "ServiceUnavailable"},
		{`{"fault":"unavailable","count":1,"match":{"body":{"contains":"no such text"}}}`, 202, ""},
		{`{"fault":"not_ready","count":1}`, 202, ""}, // of InvokeEndpoint alone, as on AWS
	} {
		id := b.fault(c.fault)
		resp, body := b.do("POST", "/endpoints/slow/async-invocations", "x", "X-Amzn-SageMaker-Inference-Id", "pay-1")
		b.do("DELETE", "/_emu/faults/"+id, "")
		if resp.StatusCode != c.status || resp.Header.Get("X-Amzn-Errortype") != c.kind {
			t.Errorf("%s was answered %d %s %s", c.fault, resp.StatusCode, resp.Header.Get("X-Amzn-Errortype"), body)
		}
		if c.status == 202 {
			b.ended(url)
		}
	}
	if n := b.objects("out"); n != 2 {
		t.Errorf("%d results, want those of the requests that were accepted", n)
	}
}

func TestAnAcceptedRequestWhoseAnswerIsLostIsDoneAllTheSame(t *testing.T) {
	for _, kind := range []string{"reset", "truncate"} {
		b := start(t, "instant", t.TempDir())
		url := b.async("builtin:echo", 1)
		b.fault(`{"fault":"` + kind + `","count":1}`)
		resp, err := http.Post(b.url+"/endpoints/slow/async-invocations", "text/plain", strings.NewReader("x"))
		if err == nil {
			_, err = copyAll(new(strings.Builder), resp)
			resp.Body.Close()
		}
		if err == nil {
			t.Errorf("%s: the whole answer arrived", kind)
		}
		if got := b.ended(url); got["invocationStatus"] != "Completed" {
			t.Errorf("%s: notified %v", kind, got)
		}
	}
}

func TestTheModelOfAnAsynchronousRequestFailsOrIsSlowByScript(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	url := b.async("builtin:echo", 1)
	b.do("PUT", "/data/in", "poison")
	b.fault(`{"fault":"model_error","status":415,"match":{"instance":1,"variant":"AllTraffic","body":{"contains":"poison"}}}`)
	b.ask("", inputLocation, "s3://data/in")
	if got := b.ended(url); got["invocationStatus"] != "Failed" || !strings.Contains(got["failureReason"].(string), "client error (415)") {
		t.Errorf("notified %v", got)
	}
	b.ask("good")
	if got := b.ended(url); got["invocationStatus"] != "Completed" {
		t.Errorf("notified %v", got)
	}
	id := b.fault(`{"fault":"stuck","count":1}`)
	output, _ := b.ask("waits")
	b.until("stuck")
	if resp, _ := b.do("GET", output, ""); resp.StatusCode != 404 {
		t.Errorf("what is stuck was answered: %d", resp.StatusCode)
	}
	b.do("DELETE", "/_emu/faults/"+id, "")
	if got := b.ended(url); got["invocationStatus"] != "Completed" {
		t.Errorf("notified %v", got)
	}
}

func TestEverythingButTheNameOfAFaultMayBeLeftOut(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	for _, k := range injection.Kinds {
		b.fault(`{"fault":"` + k.Name + `"}`)
	}
	_, list := b.do("GET", "/_emu/faults", "")
	for _, says := range []string{`"fault":"latency","add":"200ms"`, `"fault":"late_result","add":"5s"`, `"fault":"sns_late","add":"5s"`} {
		if !strings.Contains(list, says) {
			t.Errorf("the list does not say %s: %s", says, list)
		}
	}
}

func TestFaultsThatCannotHitAreRefusedWithARemedy(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	for fault, says := range map[string]string{
		`{"fault":"sns_lost","match":{"endpoint":"x"}}`:                                                   "match.endpoint: sns_lost does not look at it; leave it out, or use throttle,",
		`{"fault":"throttle","match":{"topic":"x"}}`:                                                      "match.topic: throttle does not look at it; leave it out, or use sns_lost, sns_late, sns_duplicate",
		`{"fault":"throttle","match":{"bucket":"x"}}`:                                                     "or use s3_error",
		`{"fault":"throttle","status":500}`:                                                               "status: throttle does not look at it; leave it out, or use model_error, s3_error",
		`{"fault":"stuck","add":"5s"}`:                                                                    "add: stuck does not look at it; leave it out, or use latency,",
		`{"fault":"rollback","match":{"body":{"contains":"x"}}}`:                                          "match.body: rollback does not look at it",
		`{"fault":"s3_error","status":404}`:                                                               "use 500 (InternalError) or 503 (SlowDown)",
		`{"fault":"s3_error","match":{"operation":"InvokeEndpoint"}}`:                                     `has no fault s3_error; use AbortMultipartUpload or`,
		`{"fault":"stream_error","code":"Other"}`:                                                         "use StreamBroken or ModelInvocationTimeExceeded",
		`{"fault":"stream_error","match":{"operation":"InvokeEndpoint"}}`:                                 "use InvokeEndpointWithResponseStream",
		`{"fault":"dependency","match":{"operation":"InvokeEndpointAsync"}}`:                              "use InvokeEndpoint or InvokeEndpointWithResponseStream",
		`{"fault":"throttle","match":{"operation":"InvokeEndpointAsync","instance":1}}`:                   "leave out variant and instance, or use model_error, latency, stuck",
		`{"fault":"latency","add":"1s","match":{"operation":"InvokeEndpointAsync","target_variant":"a"}}`: "an asynchronous request names no variant; leave it out",
		`{"fault":"latency","times":0.5,"add":"1s"}`:                                                      "times: 0.5 is not more than 1",
		`{"fault":"throttle","count":-1}`:                                                                 "use 0 for no limit",
		`{"fault":"throttle","match":{"region":"EU West"}}`:                                               "for example us-east-1",
		`{"fault":"throttle","match":{"account":"12"}}`:                                                   "write its 12 digits",
		`{"fault":"throttle","match":{"body":{}}}`:                                                        `give either "contains":"TEXT"`,
		`{"fault":"throttle","match":{"body":{"contains":"x","pointer":"/a","equals":1}}}`:                `give either "contains":"TEXT"`,
		`{"fault":"throttle","match":{"body":{"contains":"x","equals":1}}}`:                               `give "pointer":"/a/0" too`,
		`{"fault":"throttle","match":{"body":{"pointer":"/a"}}}`:                                          `it needs "equals":VALUE`,
		`{"fault":"throttle","match":{"body":{"pointer":"a","equals":1}}}`:                                `write "/a/0" for the first of the list a`,
		`{"fault":"throttle","match":{"body":{"contains":"` + strings.Repeat("x", 65<<10) + `"}}}`:        "a shorter part will do",
	} {
		resp, body := b.do("POST", "/_emu/faults", fault)
		if resp.StatusCode != 400 || !strings.Contains(strings.ReplaceAll(body, `\"`, `"`), says) {
			t.Errorf("%.100s answered %d %s", fault, resp.StatusCode, body)
		}
	}
	if _, list := b.do("GET", "/_emu/faults", ""); strings.TrimSpace(list) != "[]" {
		t.Errorf("what was refused is there: %s", list)
	}
}
