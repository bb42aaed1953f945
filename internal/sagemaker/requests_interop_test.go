//go:build interop

package sagemaker

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"betimes/internal/model"
)

// sdkCall is what the SDK is asked to do; Input nil: what the door's own body says.
type sdkCall struct {
	Service, Operation string
	Input              map[string]any
	Payload            []byte
}

// pair is something that the door does, and the calls of the SDK that are the same.
type pair struct {
	name string
	door func(context.Context, *Account) error
	sdk  []sdkCall
}

// TestInteropTheDoorAsksAsTheSDKDoes compares requests: method, path, query, headers
// and body. A member that the SDK does not know, or a call that it has not, is an error.
func TestInteropTheDoorAsksAsTheSDKDoes(t *testing.T) {
	l := listen(t)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": l.url, "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token",
		"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
	} {
		t.Setenv(name, value)
	}
	account, err := NewAccount(t.Context(), AWSConfig{Bucket: "bucket"}, Deps{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	var ours []recorded
	var lines bytes.Buffer
	for _, p := range pairs() {
		_ = p.door(t.Context(), account) // what is answered is no answer
		got := l.take()
		if len(got) != len(p.sdk) {
			t.Fatalf("%s: %d requests, the SDK makes %d", p.name, len(got), len(p.sdk))
		}
		for i, c := range p.sdk {
			names, ours = append(names, p.name), append(ours, got[i])
			if c.Input == nil {
				if err := json.Unmarshal(got[i].body, &c.Input); err != nil {
					t.Fatalf("%s: %v", p.name, err)
				}
				_, c.Operation, _ = strings.Cut(got[i].header.Get("X-Amz-Target"), ".")
			}
			if err := json.NewEncoder(&lines).Encode(c); err != nil {
				t.Fatal(err)
			}
		}
	}
	asks := exec.CommandContext(t.Context(), "go", "run", "./asks")
	asks.Dir, asks.Stdin = "../lab/emulator/testdata/goclient", &lines
	if out, err := asks.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	theirs := l.take()
	if len(theirs) != len(ours) {
		t.Fatalf("the SDK made %d requests, the door %d", len(theirs), len(ours))
	}
	for i, name := range names {
		for _, difference := range ours[i].differences(theirs[i]) {
			t.Errorf("%s: %s", name, difference)
		}
	}
}

func pairs() []pair {
	text := func(body string) []byte { return []byte(body) }
	return slices.Concat([]pair{
		{"an invocation", invocation(Config{Endpoint: "fraud-1"}), []sdkCall{{"runtime", "InvokeEndpoint", map[string]any{
			"EndpointName": "fraud-1", "ContentType": "text/csv", "Accept": "application/json", "InferenceId": "topic-3-17", "CustomAttributes": deadline,
		}, text(row)}}},
		{"an invocation of a part of an endpoint", invocation(Config{Endpoint: "F-1", Variant: "Blue-2", TargetModel: "a/b c.tar.gz", Component: "part", Session: "s-1"}),
			[]sdkCall{{"runtime", "InvokeEndpoint", map[string]any{
				"EndpointName": "F-1", "ContentType": "text/csv", "Accept": "application/json", "InferenceId": "topic-3-17", "CustomAttributes": deadline,
				"TargetVariant": "Blue-2", "TargetModel": "a/b c.tar.gz", "InferenceComponentName": "part", "SessionId": "s-1",
			}, text(row)}}},
		{"a streamed answer", invocation(Config{Endpoint: "fraud-1", Stream: true}), []sdkCall{{"runtime", "InvokeEndpointWithResponseStream", map[string]any{
			"EndpointName": "fraud-1", "ContentType": "text/csv", "Accept": "application/json", "InferenceId": "topic-3-17", "CustomAttributes": deadline,
		}, text(row)}}},
		{"an asynchronous request", submission(row), []sdkCall{{"runtime", "InvokeEndpointAsync", asyncInput(nil), text(row)}}},
		{"an asynchronous request by way of S3", submission(""), []sdkCall{
			{"s3", "PutObject", map[string]any{"Bucket": "bucket", "Key": "in put/fraud-1/KEY", "ContentType": "text/csv"}, text("")},
			{"runtime", "InvokeEndpointAsync", asyncInput(map[string]any{"InputLocation": "s3://bucket/in put/fraud-1/KEY"}), nil},
		}},
		{"messages of a queue", queued(func(ctx context.Context, q *queue) error { _, err := q.receive(ctx); return err }), []sdkCall{{Service: "sqs"}}},
		{"messages that were read", queued(func(ctx context.Context, q *queue) error {
			return q.delete(ctx, []message{{Receipt: "a"}, {Receipt: "b"}})
		}), []sdkCall{{Service: "sqs"}}},
	}, controlPairs(), objectPairs())
}

const (
	row      = "1.5,2\n"
	deadline = "betimes-deadline=1800000000000000"
)

// question is what a model is asked.
func question(body string) *model.Request {
	return &model.Request{
		ContentType: "text/csv", Accept: "application/json", InferenceID: "topic-3-17",
		Items: []model.Item{{Body: []byte(body), Deadline: time.UnixMicro(1_800_000_000_000_000)}},
	}
}

func invocation(c Config) func(context.Context, *Account) error {
	return func(ctx context.Context, a *Account) error {
		c.Connections = 1
		e, err := a.Endpoint(c)
		if err != nil {
			return err
		}
		defer e.Close()
		_, err = e.Invoke(ctx, question(row))
		return err
	}
}

func submission(body string) func(context.Context, *Account) error {
	return func(ctx context.Context, a *Account) error {
		x, err := a.Async(Config{Endpoint: "fraud-1", Connections: 1, Async: &AsyncConfig{TTL: time.Hour, Timeout: time.Minute, Input: "s3://bucket/in put"}})
		if err != nil {
			return err
		}
		defer x.Close()
		return x.submit(ctx, &job{id: "id-1"}, question(body), []byte(body))
	}
}

// asyncInput is what the SDK is deadline of such a request, and more.
func asyncInput(more map[string]any) map[string]any {
	all := map[string]any{
		"EndpointName": "fraud-1", "ContentType": "text/csv", "Accept": "application/json", "InferenceId": "id-1", "CustomAttributes": deadline,
		"RequestTTLSeconds": 3600, "InvocationTimeoutSeconds": 60, "S3OutputPathExtension": "betimes",
	}
	maps.Copy(all, more)
	return all
}

func queued(do func(context.Context, *queue) error) func(context.Context, *Account) error {
	return func(ctx context.Context, a *Account) error {
		q, err := a.queue(Config{}, "https://sqs.eu-west-1.amazonaws.com/123456789012/answers")
		if err != nil {
			return err
		}
		defer q.close()
		return do(ctx, q)
	}
}

// controlPairs are the calls of the control plane: the SDK is asked to make what
// the door's own body says.
func controlPairs() (all []pair) {
	body := ConfigBody{map[string]json.RawMessage{"ProductionVariants": json.RawMessage(`[{"VariantName":"all","ModelName":"m","InitialInstanceCount":1,"InstanceType":"ml.m5.large","InitialVariantWeight":1.5}]`)}}
	version := Package{
		Group: "fraud", Description: "it", Image: "image", Data: "s3://b/m.tar.gz", InstanceType: "ml.m5.large", ContentType: "text/csv",
		Quality: "s3://b/evaluation.json", Commit: "abc", Lineage: map[string]string{"offsets": "0:1"}, Approval: PendingApproval, Token: "once",
	}
	job := TrainingJob{Name: "job", Image: "image", Role: "role", Hyperparameters: map[string]string{"eta": "0.1"}, Data: "s3://b/train", Validation: "s3://b/validation",
		Output: "s3://b/models", InstanceType: "ml.m5.large", MaxRuntime: time.Hour, Spot: true, Checkpoints: "s3://b/checkpoints"}
	for name, do := range map[string]func(context.Context, *Control) error{
		"CreateModel": func(ctx context.Context, c *Control) error {
			return c.CreateModel(ctx, Model{Name: "m", Image: "i", Data: "s3://b/m.tar.gz", Environment: map[string]string{"A": "b"}, Role: "role"})
		},
		"CreateModel of a package": func(ctx context.Context, c *Control) error {
			return c.CreateModel(ctx, Model{Name: "m", Package: "arn", Role: "role"})
		},
		"DescribeModel": func(ctx context.Context, c *Control) error { _, err := c.DescribeModel(ctx, "m"); return err },
		"DeleteModel":   func(ctx context.Context, c *Control) error { return c.DeleteModel(ctx, "m") },
		"CreateEndpointConfig": func(ctx context.Context, c *Control) error {
			return c.CreateEndpointConfig(ctx, EndpointConfig{"c", "m", "ml.m5.large", 2})
		},
		"CreateEndpointConfig like another": func(ctx context.Context, c *Control) error { return c.CreateEndpointConfigLike(ctx, "c", body) },
		"DescribeEndpointConfig":            func(ctx context.Context, c *Control) error { _, err := c.DescribeEndpointConfig(ctx, "c"); return err },
		"DeleteEndpointConfig":              func(ctx context.Context, c *Control) error { return c.DeleteEndpointConfig(ctx, "c") },
		"DescribeEndpoint":                  func(ctx context.Context, c *Control) error { _, err := c.DescribeEndpoint(ctx, "e"); return err },
		"CreateEndpoint":                    func(ctx context.Context, c *Control) error { return c.CreateEndpoint(ctx, "e", "c") },
		"UpdateEndpoint":                    func(ctx context.Context, c *Control) error { return c.UpdateEndpoint(ctx, "e", "c") },
		"UpdateEndpoint as scaled":          func(ctx context.Context, c *Control) error { return c.ReplaceModel(ctx, "e", "c") },
		"DeleteEndpoint":                    func(ctx context.Context, c *Control) error { return c.DeleteEndpoint(ctx, "e") },
		"CreateModelPackageGroup":           func(ctx context.Context, c *Control) error { return c.CreatePackageGroup(ctx, "fraud", "it") },
		"CreateModelPackage":                func(ctx context.Context, c *Control) error { _, err := c.RegisterPackage(ctx, version); return err },
		"DescribeModelPackage":              func(ctx context.Context, c *Control) error { _, err := c.DescribePackage(ctx, "arn"); return err },
		"ListModelPackages":                 func(ctx context.Context, c *Control) error { _, err := c.ListPackages(ctx, "fraud"); return err },
		"UpdateModelPackage":                func(ctx context.Context, c *Control) error { return c.JudgePackage(ctx, "arn", Rejected, "no good") },
		"CreateTrainingJob":                 func(ctx context.Context, c *Control) error { return c.CreateTrainingJob(ctx, job) },
		"StopTrainingJob":                   func(ctx context.Context, c *Control) error { return c.StopTrainingJob(ctx, "job") },
		"DescribeTrainingJob":               func(ctx context.Context, c *Control) error { _, err := c.DescribeTrainingJob(ctx, "job"); return err },
	} {
		all = append(all, pair{name, func(ctx context.Context, a *Account) error {
			c, err := a.Control(Config{})
			if err != nil {
				return err
			}
			defer c.Close()
			return do(ctx, c)
		}, []sdkCall{{Service: "sagemaker"}}})
	}
	return all
}

// objectPairs are those of S3, with keys that are hard to write in a path.
func objectPairs() (all []pair) {
	add := func(name string, do func(context.Context, *Objects) error, sdk ...sdkCall) {
		all = append(all, pair{name, func(ctx context.Context, a *Account) error {
			o, err := a.Objects(Config{})
			if err != nil {
				return err
			}
			defer o.Close()
			return do(ctx, o)
		}, sdk})
	}
	for _, key := range []string{"models/m.tar.gz", "a b+c/ü&=%?#.csv", "a//b/./c", "~(x)!*'"} {
		at := map[string]any{"Bucket": "bucket", "Key": key}
		add("PutObject "+key, func(ctx context.Context, o *Objects) error { return o.Put(ctx, "bucket", key, []byte(row)) }, sdkCall{"s3", "PutObject", at, []byte(row)})
		add("GetObject "+key, func(ctx context.Context, o *Objects) error { _, err := o.Get(ctx, "bucket", key); return err }, sdkCall{"s3", "GetObject", at, nil})
		add("HeadObject "+key, func(ctx context.Context, o *Objects) error { _, err := o.Exists(ctx, "bucket", key); return err }, sdkCall{"s3", "HeadObject", at, nil})
		add("DeleteObject "+key, func(ctx context.Context, o *Objects) error { return o.Delete(ctx, "bucket", key) }, sdkCall{"s3", "DeleteObject", at, nil})
		add("ListObjectsV2 "+key, func(ctx context.Context, o *Objects) error {
			_, _, err := o.list(ctx, place{"bucket", key}, "to+ken==")
			return err
		},
			sdkCall{"s3", "ListObjectsV2", map[string]any{"Bucket": "bucket", "Prefix": key, "ContinuationToken": "to+ken=="}, nil})
	}
	add("a bucket", func(ctx context.Context, o *Objects) error { return o.EnsureBucket(ctx, "missing") },
		sdkCall{"s3", "HeadBucket", map[string]any{"Bucket": "missing"}, nil},
		sdkCall{"s3", "CreateBucket", map[string]any{"Bucket": "missing", "CreateBucketConfiguration": map[string]any{"LocationConstraint": "eu-west-1"}}, nil})
	return all
}

// listener keeps the requests that it gets.
type listener struct {
	url string
	mu  sync.Mutex
	got []recorded
}

// chance is the key of an object that carries a request.
var chance = regexp.MustCompile(`fraud-1/[A-Z0-9]{26}`)

// recorded is one request.
type recorded struct {
	method, path string
	query        url.Values
	rawQuery     string
	header       http.Header
	body         []byte
}

func listen(t *testing.T) *listener {
	t.Helper()
	l := &listener{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		l.mu.Lock()
		if input := r.Header[headerInput]; input != nil {
			input[0] = chance.ReplaceAllString(input[0], "fraud-1/KEY")
		}
		l.got = append(l.got, recorded{r.Method, chance.ReplaceAllString(r.URL.EscapedPath(), "fraud-1/KEY"), r.URL.Query(), r.URL.RawQuery, r.Header, body})
		l.mu.Unlock()
		if strings.HasPrefix(r.URL.Path, "/missing") {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(s.Close)
	l.url = s.URL
	return l
}

// take gives the requests since the last time.
func (l *listener) take() []recorded {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.got
	l.got = nil
	return all
}

// Differences that are meant, with their reasons.
var (
	onlyTheirs = map[string]string{
		"Amz-Sdk-Invocation-Id":        "counts the SDK's own attempts; the door makes one",
		"Amz-Sdk-Request":              "likewise",
		"Accept-Encoding":              "the SDK says so or net/http does; the door takes no compressed answers",
		"X-Amz-Checksum-Crc32":         "the signed hash of the body says as much",
		"X-Amz-Sdk-Checksum-Algorithm": "likewise",
		"X-Amz-Checksum-Mode":          "asks for a checksum that the door does not look at",
		"X-Amzn-Query-Mode":            "asks for the names that errors had once; the door reads those of today",
	}
	otherValues = map[string]string{
		"User-Agent":    "who asks",
		"Authorization": "signs the headers above; that it holds is tested against the vendor's signer and a server that checks",
		"X-Amz-Date":    "another moment",
	}
)

// differences are those that are not meant.
func (r recorded) differences(sdk recorded) (all []string) {
	differs := func(what string, ours, theirs any) {
		if !reflect.DeepEqual(ours, theirs) {
			all = append(all, what+": "+textOf(ours)+", the SDK's is "+textOf(theirs))
		}
	}
	differs("method", r.method, sdk.method)
	differs("path", r.path, sdk.path)
	sdk.query.Del("x-id") // names the operation for who reads logs
	differs("query", r.query, sdk.query)
	if strings.Contains(r.rawQuery, "+") {
		all = append(all, "query: a blank is written as +, which is not what is signed: "+r.rawQuery)
	}
	for _, name := range slices.Sorted(maps.Keys(union(r.header, sdk.header))) {
		switch {
		case otherValues[name] != "" && r.header[name] != nil && sdk.header[name] != nil:
		case onlyTheirs[name] != "" && r.header[name] == nil:
		default:
			differs(name, r.header[name], sdk.header[name])
		}
	}
	var ours, theirs any
	if json.Unmarshal(r.body, &ours) == nil && json.Unmarshal(sdk.body, &theirs) == nil {
		differs("body", ours, theirs)
	} else {
		differs("body", string(r.body), string(sdk.body))
	}
	return all
}

func union(a, b http.Header) http.Header {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

func textOf(v any) string {
	text, _ := json.Marshal(v)
	return string(text)
}
