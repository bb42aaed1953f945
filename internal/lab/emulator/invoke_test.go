package emulator_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestAnInvocationSaysVariantQueueAndCompute(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	b.deploy("echo", "builtin:echo", "", 2)
	resp, body := b.do("POST", "/endpoints/echo/invocations", "any\x00bytes", "Content-Type", "application/x-thing")
	if resp.StatusCode != 200 || body != "any\x00bytes" || resp.Header.Get("Content-Type") != "application/x-thing" {
		t.Fatalf("answered %d %q", resp.StatusCode, body)
	}
	if v := resp.Header.Get("X-Amzn-Invoked-Production-Variant"); v != "AllTraffic" {
		t.Errorf("variant %q", v)
	}
	if a := resp.Header.Get("X-Amzn-Sagemaker-Custom-Attributes"); !regexp.MustCompile(`^q=\d+\.\d{3};c=\d+\.\d{3}$`).MatchString(a) {
		t.Errorf("custom attributes %q", a)
	}
	if resp.Header.Get("X-Amzn-Requestid") == "" {
		t.Error("no request id")
	}
}

func TestCustomAttributesOfAContainerComeBeforeOurs(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	b.deploy("echo", "builtin:echo", "", 1)
	resp, _ := b.do("POST", "/endpoints/echo/invocations", "x", "X-Amzn-Sagemaker-Custom-Attributes", "trace=1")
	if a := resp.Header.Get("X-Amzn-Sagemaker-Custom-Attributes"); !strings.HasPrefix(a, "trace=1;q=") {
		t.Errorf("custom attributes %q", a)
	}
}

func TestInvocationsAreRefusedAsOnAWS(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	b.deploy("echo", "builtin:echo", "", 1)
	for _, c := range []struct {
		name, endpoint string
		headers        []string
		status         int
		kind, body     string
	}{
		{"an endpoint that does not exist", "none", nil, 400, "ValidationError", `{"message":"Endpoint none of account 000000000000 not found."}`},
		{"an endpoint in another case", "Echo", nil, 400, "ValidationError", `{"message":"Endpoint Echo of account 000000000000 not found."}`},
		{"a variant that does not exist", "echo", []string{"X-Amzn-Sagemaker-Target-Variant", "blue"}, 400, "ValidationError", `{"message":"Variant blue of endpoint echo not found."}`},
		{"custom attributes that are too long", "echo", []string{"X-Amzn-Sagemaker-Custom-Attributes", strings.Repeat("x", 1025)}, 400, "ValidationError", ""},
		{"a model name on a single-model endpoint", "echo", []string{"X-Amzn-Sagemaker-Target-Model", "m"}, 400, "ValidationError", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp, body := b.do("POST", "/endpoints/"+c.endpoint+"/invocations", "x", c.headers...)
			if resp.StatusCode != c.status || resp.Header.Get("X-Amzn-Errortype") != c.kind || c.body != "" && body != c.body {
				t.Errorf("answered %d %s %s", resp.StatusCode, resp.Header.Get("X-Amzn-Errortype"), body)
			}
		})
	}
}

// fault adds a fault and gives its id.
func (b *box) fault(text string) string {
	b.t.Helper()
	resp, body := b.do("POST", "/_emu/faults", text)
	var answer struct{ ID string }
	if resp.StatusCode != 200 || json.Unmarshal([]byte(body), &answer) != nil {
		b.t.Fatalf("fault %s: %d %s", text, resp.StatusCode, body)
	}
	return answer.ID
}

func TestFaultsAnswerAsAWSDoes(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	b.deploy("echo", "builtin:echo", "", 1)
	for _, c := range []struct {
		name, fault string
		status      int
		kind, body  string
	}{
		{"throttle has a null message", `{"fault":"throttle"}`, 400, "ThrottlingException", `{"message":null}`},
		{"not_ready is 429", `{"fault":"not_ready"}`, 429, "ModelNotReadyException", `"Message":`},
		{"internal is 500", `{"fault":"internal"}`, 500, "InternalFailure", `"Message":`},
		{"unavailable is 503", `{"fault":"unavailable"}`, 503, "ServiceUnavailable", `"Message":`},
		{"dependency is 530", `{"fault":"dependency"}`, 530, "InternalDependencyException", `"Message":`},
		{"model_error of 4xx is the client's", `{"fault":"model_error","status":404,"body":"no such row"}`, 424, "ModelError",
			`{"ErrorCode":"CLIENT_ERROR_FROM_MODEL","LogStreamArn":"arn:aws:logs:us-east-1:000000000000:log-group:/aws/sagemaker/Endpoints/echo","Message":"Received client error (404) from primary with message \"no such row\". See https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#logEventViewer:group=/aws/sagemaker/Endpoints/echo in account 000000000000 for more information.","OriginalMessage":"no such row","OriginalStatusCode":404}`},
		{"model_error is 500 by default", `{"fault":"model_error"}`, 424, "ModelError", `"ErrorCode":"INTERNAL_FAILURE_FROM_MODEL"`},
		{"a fault for another endpoint", `{"fault":"internal","match":{"endpoint":"other"}}`, 200, "", "x"},
		{"a fault for another instance", `{"fault":"internal","match":{"instance":2}}`, 200, "", "x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			id := b.fault(c.fault)
			resp, body := b.do("POST", "/endpoints/echo/invocations", "x")
			b.do("DELETE", "/_emu/faults/"+id, "")
			if resp.StatusCode != c.status || resp.Header.Get("X-Amzn-Errortype") != c.kind || !strings.Contains(body, c.body) {
				t.Errorf("answered %d %s %s", resp.StatusCode, resp.Header.Get("X-Amzn-Errortype"), body)
			}
		})
	}
}

func TestAFaultHitsAsOftenAsItWasAsked(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	b.deploy("echo", "builtin:echo", "", 1)
	b.fault(`{"match":{"operation":"InvokeEndpoint","endpoint":"echo","variant":"*"},"fault":"throttle","count":2}`)
	var statuses []int
	for range 4 {
		resp, _ := b.do("POST", "/endpoints/echo/invocations", "x")
		statuses = append(statuses, resp.StatusCode)
	}
	if statuses[0] != 400 || statuses[1] != 400 || statuses[2] != 200 || statuses[3] != 200 {
		t.Errorf("statuses %v", statuses)
	}
	if _, list := b.do("GET", "/_emu/faults", ""); !strings.Contains(list, `"hits":2`) {
		t.Errorf("faults %s", list)
	}
	if _, journal := b.do("GET", "/_emu/journal?since=0", ""); strings.Count(journal, `"kind":"fault"`) != 2 {
		t.Errorf("journal %s", journal)
	}
}

func TestAFaultIsOverWithItsTime(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	b.deploy("echo", "builtin:echo", "", 1)
	b.fault(`{"fault":"internal","for":"30s"}`)
	before, _ := b.do("POST", "/endpoints/echo/invocations", "x")
	b.do("POST", "/_emu/clock/advance", `{"by":"31s"}`)
	after, _ := b.do("POST", "/endpoints/echo/invocations", "x")
	if before.StatusCode != 500 || after.StatusCode != 200 {
		t.Errorf("answered %d within and %d after its time", before.StatusCode, after.StatusCode)
	}
}

func TestWrongFaultsAreNamed(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	for _, c := range []struct{ name, fault, says string }{
		{"an unknown kind", `{"fault":"explode"}`, `\"explode\" is not built; use throttle`},
		{"a percentage above 100", `{"fault":"reset","match":{"percent":101}}`, "101 is not between 0 and 100"},
		{"an unknown member", `{"fault":"reset","colour":"red"}`, `unknown field \"colour\"`},
		{"not JSON", `fault`, "invalid character"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if resp, body := b.do("POST", "/_emu/faults", c.fault); resp.StatusCode != 400 || !strings.Contains(body, c.says) {
				t.Errorf("answered %d %s", resp.StatusCode, body)
			}
		})
	}
}

func TestAnswersAreCutShort(t *testing.T) {
	for _, kind := range []string{"reset", "truncate"} {
		t.Run(kind, func(t *testing.T) {
			b := start(t, "instant", t.TempDir())
			b.deploy("echo", "builtin:echo", "", 1)
			b.fault(`{"fault":"` + kind + `"}`)
			resp, err := http.Post(b.url+"/endpoints/echo/invocations", "text/plain", strings.NewReader("0123456789"))
			if err != nil {
				return // the reset came first
			}
			defer resp.Body.Close()
			var got strings.Builder
			if _, err := copyAll(&got, resp); err == nil {
				t.Errorf("the whole answer arrived: %q", got.String())
			}
		})
	}
}

func TestAStuckWorkerKeepsItsPlaceUntilTheFaultIsRemoved(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	b.deploy("one", "builtin:profile?p50=1ms&workers=1", "", 1)
	id := b.fault(`{"fault":"stuck","count":1}`)
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() { b.do("POST", "/endpoints/one/invocations", "x") })
	}
	for !strings.Contains(b.state(), `"in_flight":2`) {
	}
	b.do("DELETE", "/_emu/faults/"+id, "")
	both.Wait()
}

func (b *box) state() string {
	_, state := b.do("GET", "/_emu/state", "")
	return state
}

func TestAboveItsHiddenLimitAnEndpointThrottles(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	b.deploy("slow", "builtin:profile?p50=50ms&workers=10", "", 1)
	b.do("PUT", "/_emu/limits", `{"endpoint":"slow","concurrency":2}`)
	var mu sync.Mutex
	statuses := map[int]int{}
	var all sync.WaitGroup
	id := b.fault(`{"fault":"stuck","count":2}`)
	for range 6 {
		all.Go(func() {
			resp, _ := b.do("POST", "/endpoints/slow/invocations", "x")
			mu.Lock()
			defer mu.Unlock()
			if statuses[resp.StatusCode]++; statuses[400] == 4 { // the two inside are stuck until the others were refused
				b.do("DELETE", "/_emu/faults/"+id, "")
			}
		})
	}
	all.Wait()
	if statuses[200] != 2 || statuses[400] != 4 {
		t.Errorf("statuses %v", statuses)
	}
}

func TestAServerBehindAnEndpointIsAskedAsAContainer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/ping":
		case "/invocations":
			if r.Header.Get("Content-Type") != "application/json" || r.Header.Get("X-Other") != "" || r.Header.Get("Authorization") != "" {
				w.WriteHeader(http.StatusTeapot)
				return
			}
			w.Header().Set("X-Secret", "stripped")
			w.Header().Set("X-Amzn-Sagemaker-Custom-Attributes", "own")
			w.WriteHeader(http.StatusCreated)
			_, _ = w.Write([]byte(`{"ok":true}`))
		}
	}))
	defer server.Close()
	b := start(t, "instant", t.TempDir())
	b.deploy("theirs", server.URL, "", 1)
	resp, body := b.do("POST", "/endpoints/theirs/invocations", `{}`, "Content-Type", "application/json", "X-Other", "no")
	if resp.StatusCode != 201 || body != `{"ok":true}` || resp.Header.Get("X-Secret") != "" || !strings.HasPrefix(resp.Header.Get("X-Amzn-Sagemaker-Custom-Attributes"), "own;q=") {
		t.Errorf("answered %d %s %v", resp.StatusCode, body, resp.Header)
	}
}

func TestAServerThatSaysItsOwnTimeIsBelieved(t *testing.T) {
	said := make(http.Header)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for name, v := range said {
			w.Header()[name] = v
		}
	}))
	defer server.Close()
	b := start(t, "instant", t.TempDir())
	b.deploy("theirs", server.URL, "", 1)
	for _, c := range []struct{ header, value, want string }{
		{"Server-Timing", "cache;dur=9, model;dur=0.001", "q=0.000;c=0.001"},
		{"X-Amzn-Sagemaker-Custom-Attributes", "q=1.5;c=2.5", "q=1.5;c=2.5"},
	} {
		said.Set(c.header, c.value)
		resp, _ := b.do("POST", "/endpoints/theirs/invocations", "x")
		if got := resp.Header.Get("X-Amzn-Sagemaker-Custom-Attributes"); got != c.want {
			t.Errorf("%s: %s became %q, want %q", c.header, c.value, got, c.want)
		}
	}
}

func TestADeadServerIsAModelError(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	b := start(t, "instant", t.TempDir())
	b.deploy("theirs", server.URL, "", 1)
	server.Close()
	resp, body := b.do("POST", "/endpoints/theirs/invocations", `{}`)
	if resp.StatusCode != 424 || !strings.Contains(body, `"OriginalStatusCode":0`) {
		t.Errorf("answered %d %s", resp.StatusCode, body)
	}
}

// program is a model server in Python: any program will do.
const program = `#!/usr/bin/env python3
import os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Model(BaseHTTPRequestHandler):
    def do_GET(self): self.answer(b"")
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if body == b"die": os._exit(1)
        self.answer(sys.argv[1].encode() + b" " + os.environ["GREETING"].encode() + b" " + open(os.environ["SM_MODEL_DIR"] + "/weights.txt", "rb").read())
    def answer(self, body):
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def log_message(self, *_): pass
ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Model).serve_forever()
`

func TestAProgramServesItsModelAndIsStartedAgainWhenItDies(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	path := filepath.Join(t.TempDir(), "my serve.py")
	if err := os.WriteFile(path, []byte(program), 0o700); err != nil {
		t.Fatal(err)
	}
	b.do("PUT", "/data", "")
	b.do("PUT", "/data/weights.txt", "42")
	b.control("CreateModel", m{"ModelName": "own", "PrimaryContainer": m{"Image": "exec:" + strings.ReplaceAll(path, " ", "%20"), "ModelDataUrl": "s3://data/weights.txt", "Environment": m{"GREETING": "hello"}}})
	b.control("CreateEndpointConfig", m{"EndpointConfigName": "own", "ProductionVariants": []m{{"VariantName": "v", "ModelName": "own", "InitialInstanceCount": 1}}})
	b.control("CreateEndpoint", m{"EndpointName": "own", "EndpointConfigName": "own"})
	b.await("own", "InService")
	if resp, body := b.do("POST", "/endpoints/own/invocations", "x"); resp.StatusCode != 200 || body != "serve hello 42" {
		t.Fatalf("answered %d %s", resp.StatusCode, body)
	}
	if resp, _ := b.do("POST", "/endpoints/own/invocations", "die"); resp.StatusCode != 424 {
		t.Fatalf("a container that dies is answered %d", resp.StatusCode)
	}
	deadline := time.Now().Add(time.Minute)
	for {
		if resp, _ := b.do("POST", "/endpoints/own/invocations", "x"); resp.StatusCode == 200 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("not started again")
		}
	}
}
