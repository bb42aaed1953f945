package emulator_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"betimes/internal/lab/emulator"
	"betimes/internal/setting"
)

func scope(service string) string {
	return "AWS4-HMAC-SHA256 Credential=AKID/20261125/us-east-1/" + service + "/aws4_request, SignedHeaders=host, Signature=00"
}

func TestRequestsFindTheirServiceByScopeElseByForm(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	b.do("PUT", "/bucket", "")
	for _, c := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		says                     string
	}{
		{"the control plane, signed", "POST", "/", "{}", []string{"Authorization", scope("sagemaker"), "X-Amz-Target", "SageMaker.ListModels"}, 200, `{"Models":[]}`},
		{"the control plane, unsigned", "POST", "/", "{}", []string{"X-Amz-Target", "SageMaker.ListModels"}, 200, `{"Models":[]}`},
		{"the runtime, unsigned", "POST", "/endpoints/x/invocations", "", nil, 400, "Endpoint x of account"},
		{"the runtime's other operations", "POST", "/endpoints/x/other", "", []string{"Authorization", scope("sagemaker")}, 400, "not known to this emulator"},
		{"S3, signed", "GET", "/bucket", "", []string{"Authorization", scope("s3")}, 200, "ListBucketResult"},
		{"S3, presigned", "GET", "/bucket?X-Amz-Credential=AKID%2F20261125%2Fus-east-1%2Fs3%2Faws4_request", "", nil, 200, "ListBucketResult"},
		{"S3, unsigned", "GET", "/", "", nil, 200, "<Name>bucket</Name>"},
		{"who am I", "POST", "/", "Action=GetCallerIdentity&Version=2011-06-15", []string{"Authorization", scope("sts"), "Content-Type", "application/x-www-form-urlencoded"}, 200, "<Account>000000000000</Account>"},
		{"another operation of STS", "POST", "/", "Action=AssumeRole", []string{"Authorization", scope("sts"), "Content-Type", "application/x-www-form-urlencoded"}, 400, "<Code>InvalidAction</Code>"},
		{"whose role", "POST", "/", "Action=GetRole&Version=2010-05-08&RoleName=r", []string{"Authorization", scope("iam")}, 200, "<Arn>arn:aws:iam::000000000000:role/r</Arn>"},
		{"whose role, unsigned", "POST", "/", "Action=GetRole&Version=2010-05-08&RoleName=r", nil, 200, "<RoleName>r</RoleName>"},
		{"a role of no name", "POST", "/", "Action=GetRole&Version=2010-05-08", []string{"Authorization", scope("iam")}, 400, "<Code>ValidationError</Code>"},
		{"a token for images", "POST", "/", "{}", []string{"Authorization", scope("ecr"), "X-Amz-Target", "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"}, 200, `"proxyEndpoint":"https://000000000000.dkr.ecr.us-east-1.amazonaws.com"`},
		{"a token for images, unsigned", "POST", "/", `{"registryIds":["1"]}`, []string{"X-Amz-Target", "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"}, 400, "InvalidParameterException"},
		{"CloudWatch in JSON", "POST", "/", "{}", []string{"Authorization", scope("monitoring"), "X-Amz-Target", "GraniteServiceVersion20100801.ListMetrics"}, 200, `{"Metrics":[]}`},
		{"CloudWatch in CBOR, unsigned", "POST", "/service/GraniteServiceVersion20100801/operation/ListMetrics", "", []string{"Smithy-Protocol", "rpc-v2-cbor"}, 200, "Metrics"},
		{"CloudWatch in Query", "POST", "/", "Action=ListMetrics&Version=2010-08-01", []string{"Authorization", scope("monitoring")}, 200, "<Metrics></Metrics>"},
		{"Application Auto Scaling", "POST", "/", `{"ServiceNamespace":"sagemaker"}`, []string{"Authorization", scope("application-autoscaling"), "X-Amz-Target", "AnyScaleFrontendService.DescribeScalableTargets"}, 200, `{"ScalableTargets":[]}`},
		{"Application Auto Scaling, unsigned", "POST", "/", `{"ServiceNamespace":"sagemaker"}`, []string{"X-Amz-Target", "AnyScaleFrontendService.DescribeScalingPolicies"}, 200, `{"ScalingPolicies":[]}`},
		{"CloudWatch Logs", "POST", "/", `{}`, []string{"Authorization", scope("logs"), "X-Amz-Target", "Logs_20140328.DescribeLogGroups"}, 200, `{"logGroups":[]}`},
		{"a service that is not built", "POST", "/", "{}", []string{"Authorization", scope("dynamodb"), "X-Amz-Target", "DynamoDB_20120810.ListTables"}, 400, "UnknownOperationException"},
		{"a page of another site", "POST", "/_emu/reset", "", []string{"Sec-Fetch-Site", "cross-site"}, 403, "another site"},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp, body := b.do(c.method, c.path, c.body, c.headers...)
			if resp.StatusCode != c.status || !strings.Contains(body, c.says) {
				t.Errorf("answered %d %s", resp.StatusCode, body)
			}
			if resp.Header.Get("X-Amzn-Requestid") == "" || resp.Header.Get("Date") == "" {
				t.Errorf("headers %v", resp.Header)
			}
		})
	}
}

func TestANameThatOnlyPointsToThisMachineIsRefused(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	for host, status := range map[string]int{"evil.example": 403, "localhost": 200, "127.0.0.1:1": 200, "[::1]:8070": 200, "emu.localhost": 200} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", b.url+"/_emu/state", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != status {
			t.Errorf("host %s answered %d, want %d", host, resp.StatusCode, status)
		}
	}
}

func TestABucketMayBeTheHost(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	b.do("PUT", "/bucket", "")
	b.do("PUT", "/bucket/a/key", "hello")
	req, err := http.NewRequestWithContext(t.Context(), "GET", b.url+"/a/key", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "bucket.localhost:8070"
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "hello" {
		t.Errorf("answered %q, %v", body, err)
	}
}

func TestTheStatusPageShowsWhatIsHeld(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	b.deploy("fraud", "builtin:echo", "", 1)
	b.fault(`{"fault":"throttle","match":{"endpoint":"<script>"}}`)
	resp, body := b.do("GET", "/_emu/", "")
	if resp.StatusCode != 200 || !strings.Contains(body, "<td>fraud<td>000000000000, us-east-1<td>InService") || strings.Contains(body, "<script>") {
		t.Errorf("answered %d %s", resp.StatusCode, body)
	}
}

// exchanges are whole answers, byte by byte; what differs each time is cut out.
func TestAnswersOnTheWire(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	b.deploy("echo", "builtin:echo", "", 1)
	b.fault(`{"fault":"throttle","count":1}`)
	invoke := "POST /endpoints/echo/invocations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/csv\r\nContent-Length: 3\r\n\r\n1,2"
	for _, c := range []struct{ name, request, answer string }{
		{"throttled", invoke, "HTTP/1.1 400 Bad Request\r\nContent-Length: 16\r\nContent-Type: application/json\r\nX-Amzn-Errortype: ThrottlingException\r\n\r\n{\"message\":null}"},
		{"invoked", invoke, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Type: text/csv\r\nX-Amzn-Invoked-Production-Variant: AllTraffic\r\n\r\n1,2"},
		{"a bucket", "PUT /bucket HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nLocation: /bucket\r\nContent-Length: 0\r\n\r\n"},
		{"a missing endpoint", "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Amz-Target: SageMaker.DescribeEndpoint\r\nContent-Length: 20\r\n\r\n{\"EndpointName\":\"x\"}",
			"HTTP/1.1 400 Bad Request\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amzn-Errortype: ValidationException\r\nContent-Length: 125\r\n\r\n" +
				`{"__type":"ValidationException","message":"Could not find endpoint \"arn:aws:sagemaker:us-east-1:000000000000:endpoint/x\"."}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := exchange(t, b.url, c.request); got != c.answer {
				t.Errorf("answered\n%q\nwant\n%q", got, c.answer)
			}
		})
	}
}

// exchange sends raw bytes and gives the raw answer without what differs each time.
func exchange(t *testing.T, url, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(strings.Replace(request, "Host:", "Connection: close\r\nHost:", 1))); err != nil {
		t.Fatal(err)
	}
	var answer strings.Builder
	lines := bufio.NewReader(conn)
	for {
		line, err := lines.ReadString('\n')
		name, _, _ := strings.Cut(line, ":")
		switch name {
		case "Date", "X-Amzn-Requestid", "Connection", "X-Amzn-Sagemaker-Custom-Attributes":
		default:
			answer.WriteString(line)
		}
		if err != nil {
			return answer.String()
		}
	}
}

func TestAClientThatAsksFirstIsToldToGoOn(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	b.do("PUT", "/bucket", "")
	conn, err := net.Dial("tcp", strings.TrimPrefix(b.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("PUT /bucket/key HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(conn)
	if line, err := answers.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("answered %q, %v", line, err)
	}
	if _, err := conn.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, err := answers.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if line, err := answers.ReadString('\n'); err != nil || line != "HTTP/1.1 200 OK\r\n" {
		t.Errorf("answered %q, %v", line, err)
	}
}

func secrets(name, text string) map[string]setting.Secret {
	return map[string]setting.Secret{name: setting.NewSecret(text)}
}

func TestConfigSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		name  string
		wrong func(*emulator.Config)
		want  string
	}{
		{"the default is right", func(*emulator.Config) {}, ""},
		{"a profile that is none", func(c *emulator.Config) { c.Profile = "slow" }, `profile: "slow" is not known; use instant, fast, realistic`},
		{"an address that is none", func(c *emulator.Config) { c.Listen = "8070" }, `listen: "8070" is not an address`},
		{"keys that nobody asks for", func(c *emulator.Config) { c.Keys = secrets("AKID", "s") }, "keys: keys and tokens are for auth: verify"},
		{"signatures of nobody", func(c *emulator.Config) { c.Auth = "verify" }, "keys: auth: verify needs access keys"},
		{"a key without a secret", func(c *emulator.Config) { c.Auth, c.Keys = "verify", secrets("AKID", "") }, `keys: "AKID" is no access key with a secret`},
		{"a token of no key", func(c *emulator.Config) {
			c.Auth, c.Keys, c.Tokens = "verify", secrets("AKID", "s"), secrets("OTHER", "t")
		}, `tokens: "OTHER" is not in keys`},
		{"a time that goes slower", func(c *emulator.Config) { c.TimeScale = 0 }, "time_scale: 0 is less than 1; use 1"},
		{"bodies of nothing", func(c *emulator.Config) { c.Assumed.MaxBody = 0 }, "assumed.max_body: 0 bytes are not between 1 and 1GiB; write for example 6MiB"},
		{"fewer calls than none", func(c *emulator.Config) { c.Assumed.ThrottlePerInstance = -1 }, "assumed.throttle_per_instance: -1 is less than 0; use 0"},
		{"more asynchronous calls than a config may name", func(c *emulator.Config) { c.Assumed.AsyncConcurrency = 1001 }, "assumed.async_concurrency: 1001 is not between 1 and 1000"},
		{"an approval that is none", func(c *emulator.Config) { c.Assumed.PackageApproval = "Yes" }, `assumed.package_approval: "Yes" is not known; use PendingManualApproval`},
		{"pings without a pause", func(c *emulator.Config) { c.Assumed.PingInterval = 0 }, "assumed.ping_interval: 0s is not more than 0s"},
		{"an alarm over no time", func(c *emulator.Config) { c.Assumed.HighResolutionPeriods = 0 }, "assumed.high_resolution_periods: 0 is not between 1 and 60"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := emulator.DefaultConfig()
			c.wrong(&config)
			ps := config.Validate()
			if c.want == "" && len(ps) > 0 || c.want != "" && (len(ps) != 1 || !strings.HasPrefix(ps[0].Error(), c.want)) {
				t.Errorf("problems %v", ps)
			}
		})
	}
}
