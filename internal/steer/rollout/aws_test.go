package rollout

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"betimes/internal/sagemaker"
)

// fakeAWS remembers what was made. Jobs and endpoints are done at the second look.
type fakeAWS struct {
	mu        sync.Mutex
	objects   map[string][]byte
	jobs      map[string]*fakeJob
	models    map[string]map[string]any
	configs   map[string]map[string]any
	endpoints map[string]*fakeEndpoint
	calls     []string // operations that changed something

	failJob, failEndpoint string // reason of what is made next
	rollBack              bool   // updates end with the config from before
	busy                  int    // calls refused before one is taken

	refuse string // name of the refusal of every call
	moved  bool   // S3 says that the bucket is elsewhere

	logs     []string         // lines of every job
	packages []map[string]any // versions of one group, the oldest first
	score    func(row []float64) float64
}

type fakeJob struct {
	request map[string]any
	looks   int
	failure string
	stopped bool
}

type fakeEndpoint struct {
	config, failure string
	looks           int
	deleting        bool
}

func newFakeAWS() *fakeAWS {
	return &fakeAWS{
		objects: map[string][]byte{}, jobs: map[string]*fakeJob{}, models: map[string]map[string]any{},
		configs: map[string]map[string]any{}, endpoints: map[string]*fakeEndpoint{},
	}
}

func (f *fakeAWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.busy > 0 {
		f.busy--
		answer(w, 400, map[string]any{"__type": "ThrottlingException", "message": "Rate exceeded"})
		return
	}
	if f.refuse != "" {
		w.WriteHeader(http.StatusForbidden) // the first call of every run is one of S3
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>no</Message></Error>", f.refuse)
		return
	}
	if operation, isLogs := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "Logs_20140328."); isLogs {
		f.log(w, operation, body)
		return
	}
	operation, isControl := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "SageMaker.")
	if !isControl {
		f.object(w, r, body)
		return
	}
	var in map[string]any
	_ = json.Unmarshal(body, &in)
	status, out := f.control(operation, in)
	if status == 200 && !strings.HasPrefix(operation, "Describe") {
		f.calls = append(f.calls, operation)
	}
	answer(w, status, out)
}

// log has one stream for every job; a page goes on where its token says.
func (f *fakeAWS) log(w http.ResponseWriter, operation string, body []byte) {
	if operation == "DescribeLogStreams" {
		streams := []any{map[string]any{"logStreamName": "job/algo-1-1"}}
		answer(w, 200, map[string]any{"logStreams": streams[:min(len(f.logs), 1)]})
		return
	}
	var in struct {
		Token string `json:"nextToken"`
		Limit int    `json:"limit"`
	}
	_ = json.Unmarshal(body, &in)
	from, _ := strconv.Atoi(in.Token)
	if in.Limit > 0 {
		from = max(0, len(f.logs)-in.Limit)
	}
	events := []any{}
	for _, line := range f.logs[from:] {
		events = append(events, map[string]any{"message": line})
	}
	answer(w, 200, map[string]any{"events": events, "nextForwardToken": strconv.Itoa(len(f.logs))})
}

func answer(w http.ResponseWriter, status int, out any) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(out)
}

func (f *fakeAWS) object(w http.ResponseWriter, r *http.Request, body []byte) {
	_, there := f.objects[r.URL.Path]
	if f.moved {
		w.WriteHeader(http.StatusMovedPermanently)
		return
	}
	switch {
	case r.Method == http.MethodPut:
		f.objects[r.URL.Path] = body
		f.calls = append(f.calls, "Put")
	case r.Method == http.MethodDelete:
		delete(f.objects, r.URL.Path)
		w.WriteHeader(http.StatusNoContent)
	case !there:
		w.WriteHeader(http.StatusNotFound)
	case r.Method == http.MethodGet:
		_, _ = w.Write(f.objects[r.URL.Path])
	}
}

func invalid(format string, args ...any) (int, any) {
	return 400, map[string]any{"__type": "ValidationException", "message": fmt.Sprintf(format, args...)}
}

func (f *fakeAWS) control(operation string, in map[string]any) (int, any) {
	text := func(key string) string { s, _ := in[key].(string); return s }
	switch operation {
	case "CreateTrainingJob":
		return f.createJob(text("TrainingJobName"), in)
	case "DescribeTrainingJob":
		return f.describeJob(text("TrainingJobName"))
	case "CreateModel":
		return create(f.models, "model", text("ModelName"), in)
	case "CreateEndpointConfig":
		return create(f.configs, "endpoint configuration", text("EndpointConfigName"), in)
	case "CreateEndpoint":
		if f.endpoints[text("EndpointName")] != nil {
			return invalid("Cannot create already existing endpoint %q.", text("EndpointName"))
		}
		f.endpoints[text("EndpointName")] = &fakeEndpoint{config: text("EndpointConfigName"), failure: f.failEndpoint}
		return 200, map[string]any{}
	}
	if answered, status, out := f.registry(operation, in); answered {
		return status, out
	}
	return f.existing(operation, text("EndpointName"), text("EndpointConfigName"))
}

func (f *fakeAWS) existing(operation, name, config string) (int, any) {
	e := f.endpoints[name]
	if e == nil {
		return invalid("Could not find endpoint %q.", name)
	}
	switch operation {
	case "UpdateEndpoint":
		if !f.rollBack {
			e.config = config
		}
		e.looks = 0
	case "DeleteEndpoint":
		e.deleting, e.looks = true, 0
	case "DescribeEndpoint":
		return f.describeEndpoint(name, e)
	}
	return 200, map[string]any{}
}

func (f *fakeAWS) describeEndpoint(name string, e *fakeEndpoint) (int, any) {
	status := "InService"
	e.looks++
	switch {
	case e.deleting && e.looks > 1:
		delete(f.endpoints, name)
		return invalid("Could not find endpoint %q.", name)
	case e.deleting:
		status = "Deleting"
	case e.looks == 1:
		status = "Creating"
	case e.failure != "":
		status = "Failed"
	}
	return 200, map[string]any{"EndpointStatus": status, "EndpointConfigName": e.config, "FailureReason": e.failure}
}

func create(all map[string]map[string]any, kind, name string, in map[string]any) (int, any) {
	if all[name] != nil {
		return invalid("Cannot create already existing %s %q.", kind, name)
	}
	all[name] = in
	return 200, map[string]any{}
}

func (f *fakeAWS) createJob(name string, in map[string]any) (int, any) {
	if f.jobs[name] != nil {
		return 400, map[string]any{"__type": "ResourceInUse", "Message": "Training job names must be unique"}
	}
	f.jobs[name] = &fakeJob{request: in, failure: f.failJob}
	return 200, map[string]any{}
}

func (f *fakeAWS) describeJob(name string) (int, any) {
	j := f.jobs[name]
	if j == nil {
		return invalid("Requested resource not found.")
	}
	j.looks++
	switch {
	case j.stopped:
		return 200, map[string]any{"TrainingJobStatus": "Stopped"}
	case j.looks == 1:
		return 200, map[string]any{"TrainingJobStatus": "InProgress", "SecondaryStatus": "Training"}
	case j.failure != "":
		return 200, map[string]any{"TrainingJobStatus": "Failed", "FailureReason": j.failure}
	}
	return 200, map[string]any{"TrainingJobStatus": "Completed", "ModelArtifacts": map[string]any{"S3ModelArtifacts": "s3://betimes/" + name + "/model.tar.gz"}}
}

// made says which operations changed something since the last look.
func (f *fakeAWS) made() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls := f.calls
	f.calls = nil
	return slices.Clone(calls)
}

// deps are of a client of f. As AWS, it is reached by a name of AWS's.
func (f *fakeAWS) deps(t *testing.T, reports *[]Progress) (Deps, sagemaker.Config) {
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	for _, name := range []string{"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"} {
		t.Setenv(name, "") // of whoever runs the test
	}
	account, err := sagemaker.NewAccount(t.Context(), sagemaker.AWSConfig{EndpointURL: s.URL}, sagemaker.Deps{
		Env: func(string) (string, bool) { return "", false },
	})
	if err != nil {
		t.Fatal(err)
	}
	c := sagemaker.DefaultConfig()
	c.Endpoint, c.Region = "fraud", "us-east-1"
	control, err := account.Control(c)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := account.Objects(c)
	if err != nil {
		t.Fatal(err)
	}
	logs, err := account.Logs(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { control.Close(); objects.Close(); logs.Close() })
	d := Deps{Control: control, Objects: objects, Logs: logs, Role: "arn:aws:iam::000000000000:role/betimes", Bucket: "betimes"}
	d.Progress = func(p Progress) { *reports = append(*reports, p) }
	return d, c
}
