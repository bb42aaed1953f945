package sagemaker

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// plane is a control plane: an answer per operation.
func plane(t *testing.T, answer func(operation string, in map[string]any) (int, string)) (*Account, Config) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in map[string]any
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.Header.Get("Content-Type") != controlType {
			t.Errorf("%v, content type %s", err, r.Header.Get("Content-Type"))
		}
		operation, _ := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "SageMaker.")
		status, body := answer(operation, in)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return account(t, s.URL), fraud()
}

func control(t *testing.T, answer func(string, map[string]any) (int, string)) *Control {
	a, c := plane(t, answer)
	ctl, err := a.Control(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ctl.Close)
	return ctl
}

func TestATrainingJobIsAskedForAsTheServiceWantsIt(t *testing.T) {
	var got map[string]any
	c := control(t, func(operation string, in map[string]any) (int, string) {
		got = in
		if operation != "CreateTrainingJob" {
			t.Errorf("operation %s", operation)
		}
		return 200, `{"TrainingJobArn":"arn"}`
	})
	err := c.CreateTrainingJob(t.Context(), TrainingJob{
		Name: "fraud-1", Image: "builtin:xgboost", Role: "arn:role", Hyperparameters: map[string]string{"num_round": "60"},
		Data: "s3://b/d", Output: "s3://b/o", InstanceType: "ml.m5.large",
	})
	if err != nil {
		t.Fatal(err)
	}
	sent, _ := json.Marshal(got)
	const want = `{"AlgorithmSpecification":{"TrainingImage":"builtin:xgboost","TrainingInputMode":"File"},` +
		`"HyperParameters":{"num_round":"60"},"InputDataConfig":[{"ChannelName":"train","ContentType":"text/csv","DataSource":{"S3DataSource":{"S3DataDistributionType":"FullyReplicated","S3DataType":"S3Prefix","S3Uri":"s3://b/d"}}}],` +
		`"OutputDataConfig":{"S3OutputPath":"s3://b/o"},"ResourceConfig":{"InstanceCount":1,"InstanceType":"ml.m5.large","VolumeSizeInGB":30},"RoleArn":"arn:role","StoppingCondition":{"MaxRuntimeInSeconds":86400},"TrainingJobName":"fraud-1"}`
	if string(sent) != want {
		t.Errorf("sent %s", sent)
	}
}

func TestStatesAreRead(t *testing.T) {
	c := control(t, func(operation string, in map[string]any) (int, string) {
		switch operation {
		case "DescribeTrainingJob":
			return 200, `{"TrainingJobStatus":"Completed","SecondaryStatus":"Completed","ModelArtifacts":{"S3ModelArtifacts":"s3://b/m.tar.gz"},"CreationTime":1.5,"FinalMetricDataList":[{"MetricName":"auc","Value":0.9,"Timestamp":1}]}`
		case "DescribeModel":
			return 200, `{"ModelName":"m","PrimaryContainer":{"Image":"i","ModelDataUrl":"d"},"CreationTime":1}`
		}
		return 200, `{"EndpointStatus":"Updating","EndpointConfigName":"c1","ProductionVariants":[{"VariantName":"AllTraffic","CurrentInstanceCount":1,"DesiredInstanceCount":2}]}`
	})
	job, err := c.DescribeTrainingJob(t.Context(), "j")
	if err != nil || job.Status != "Completed" || job.Artifacts.URI != "s3://b/m.tar.gz" || len(job.Metrics) != 1 || job.Metrics[0].Value != 0.9 {
		t.Errorf("got %+v, %v", job, err)
	}
	ep, err := c.DescribeEndpoint(t.Context(), "fraud")
	if err != nil || !ep.Serving() || !ep.Changing() || ep.Config != "c1" || ep.Variants[0].Desired != 2 {
		t.Errorf("got %+v, %v", ep, err)
	}
	m, err := c.DescribeModel(t.Context(), "m")
	if err != nil || m.Image != "i" || m.Data != "d" {
		t.Errorf("got %+v, %v", m, err)
	}
}

func TestRefusalsAreToldApart(t *testing.T) {
	for _, tt := range []struct {
		name                    string
		status                  int
		body                    string
		missing, taken, passing bool
	}{
		{"no endpoint", 400, `{"__type":"ValidationException","message":"Could not find endpoint \"arn:x\"."}`, true, false, false},
		{"no training job", 400, `{"__type":"ValidationException","message":"Requested resource not found."}`, true, false, false},
		{"no training job, as the model has it", 400, `{"__type":"ResourceNotFound","Message":"x"}`, true, false, false},
		{"a job of that name", 400, `{"__type":"ResourceInUse","Message":"Training job names must be unique"}`, false, true, false},
		{"an endpoint of that name", 400, `{"__type":"ValidationException","message":"Cannot create already existing endpoint \"arn:x\"."}`, false, true, false},
		{"too many calls", 400, `{"__type":"ThrottlingException","message":"Rate exceeded"}`, false, false, true},
		{"the service is down", 503, ``, false, false, true},
		{"a wrong value", 400, `{"__type":"ValidationException","message":"1 validation error detected"}`, false, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := control(t, func(string, map[string]any) (int, string) { return tt.status, tt.body })
			_, err := c.DescribeEndpoint(t.Context(), "fraud")
			if err == nil || IsMissing(err) != tt.missing || IsTaken(err) != tt.taken || IsPassing(err) != tt.passing {
				t.Errorf("got %v: missing %v, taken %v, passing %v", err, IsMissing(err), IsTaken(err), IsPassing(err))
			}
			if !strings.HasPrefix(err.Error(), "DescribeEndpoint: ") {
				t.Errorf("the operation is not named: %v", err)
			}
		})
	}
}

func TestTheProbeKnowsVersionAndState(t *testing.T) {
	var answer atomic.Value
	answer.Store(`{"EndpointStatus":"InService","EndpointConfigName":"fraud-1"}`)
	status := atomic.Int32{}
	status.Store(200)
	described, done := make(chan struct{}), make(chan struct{})
	a, c := plane(t, func(string, map[string]any) (int, string) {
		select {
		case described <- struct{}{}:
		case <-done:
		}
		return int(status.Load()), answer.Load().(string)
	})
	c.Probe = time.Millisecond
	e := endpoint(t, a, c)
	if e.Up() || e.Version() != "" {
		t.Error("known before the first probe")
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := e.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	probed := func() { <-described; <-described } // the second begins after the first was learnt
	probed()
	if !e.Up() || e.Version() != "fraud-1" {
		t.Errorf("got %+v", e.State())
	}
	answer.Store(`{"__type":"ThrottlingException"}`)
	status.Store(400)
	probed()
	if !e.Up() {
		t.Error("a probe that failed made the endpoint unknown")
	}
	answer.Store(`{"__type":"ValidationException","message":"Could not find endpoint \"x\"."}`)
	probed()
	probed()
	if e.Up() || e.State().Status != "Missing" {
		t.Errorf("got %+v", e.State())
	}
	close(done)
	cancel()
	wg.Wait()
}
