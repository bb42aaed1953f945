package emulator_test

import (
	"testing"
	"time"

	"betimes/internal/event"
	"betimes/internal/lab/emulator"
	"betimes/internal/model"
	"betimes/internal/sagemaker"
)

// account is the sagemaker door to the emulator.
func (b *box) account() *sagemaker.Account {
	b.t.Helper()
	a, err := sagemaker.NewAccount(b.t.Context(), sagemaker.AWSConfig{Role: "arn:aws:iam::000000000000:role/betimes"}, sagemaker.Deps{
		Emulator: b.url, Env: func(string) (string, bool) { return "", false }})
	if err != nil {
		b.t.Fatal(err)
	}
	return a
}

func TestTheDoorTrainsDeploysAndAsksWithSignaturesThatHold(t *testing.T) {
	verifying := emulator.DefaultConfig()
	verifying.Profile, verifying.Auth, verifying.Keys = "instant", "verify", secrets("betimes", "betimes")
	b := startWith(t, verifying, t.TempDir())
	a, ctx := b.account(), t.Context()
	config := fraud()
	objects, err := a.Objects(config)
	must(t, err)
	defer objects.Close()
	control, err := a.Control(config)
	must(t, err)
	defer control.Close()
	endpoint, err := a.Endpoint(config)
	must(t, err)
	defer endpoint.Close()

	must(t, objects.EnsureBucket(ctx, "data"))
	must(t, objects.EnsureBucket(ctx, "data"))
	must(t, objects.Put(ctx, "data", "train/part-0.csv", []byte(trainingData())))
	if _, err := control.DescribeTrainingJob(ctx, "job"); !sagemaker.IsMissing(err) {
		t.Errorf("a missing job is %v", err)
	}
	job := sagemaker.TrainingJob{Name: "job", Image: "builtin:xgboost", Role: a.Role(), Hyperparameters: map[string]string{"num_round": "10", "objective": "binary:logistic"},
		Data: "s3://data/train/", Output: "s3://data/models", InstanceType: "ml.c5.xlarge"}
	must(t, control.CreateTrainingJob(ctx, job))
	if err := control.CreateTrainingJob(ctx, job); !sagemaker.IsTaken(err) {
		t.Errorf("a second job of that name is %v", err)
	}
	trained, err := control.DescribeTrainingJob(ctx, "job")
	must(t, err)
	if trained.Status != "Completed" || len(trained.Metrics) == 0 {
		t.Fatalf("job %+v", trained)
	}
	if found, err := objects.Exists(ctx, "data", "models/job/output/model.tar.gz"); !found || err != nil {
		t.Errorf("artefact %v, %v", found, err)
	}
	must(t, control.CreateModel(ctx, sagemaker.Model{Name: "fraud", Image: "builtin:xgboost", Data: trained.Artifacts.URI, Role: a.Role()}))
	must(t, control.CreateEndpointConfig(ctx, sagemaker.EndpointConfig{Name: "fraud", Model: "fraud", InstanceType: "ml.c5.xlarge", Instances: 2}))
	if _, err := control.DescribeEndpoint(ctx, "fraud"); !sagemaker.IsMissing(err) {
		t.Errorf("a missing endpoint is %v", err)
	}
	must(t, control.CreateEndpoint(ctx, "fraud", "fraud"))
	state, err := control.DescribeEndpoint(ctx, "fraud")
	must(t, err)
	if state.Status != "InService" || !state.Serving() || state.Variants[0].Current != 2 {
		t.Fatalf("endpoint %+v", state)
	}
	answer, err := endpoint.Invoke(ctx, request("0.9,1"))
	must(t, err)
	if answer.Variant != "AllTraffic" || !answer.Times.Server || answer.Answers[0].Err != nil {
		t.Errorf("answer %+v", answer)
	}
}

// fraud is the endpoint fraud of the emulator in this process.
func fraud() sagemaker.Config {
	config, embedded := sagemaker.DefaultConfig(), true
	config.Endpoint, config.Embedded = "fraud", &embedded
	return config
}

func request(rows ...string) *model.Request {
	r := &model.Request{Model: "fraud", ContentType: "text/csv"}
	for _, row := range rows {
		r.Items = append(r.Items, model.Item{Event: &event.Event{}, Body: []byte(row), Deadline: time.Now().Add(time.Minute)})
	}
	return r
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestTheDoorKnowsEveryFaultForWhatItIs is the table of error class and way to ask;
// asynchronous requests meet theirs in the tests of asynchronous calls.
func TestTheDoorKnowsEveryFaultForWhatItIs(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	b.deploy("fraud", "builtin:echo", "", 1)
	const both = model.ClassUnknown
	for _, tt := range []struct {
		fault           string
		whole, streamed model.Class // both: the same
	}{
		{`{"fault":"throttle"}`, model.ClassThrottled, both},
		{`{"fault":"not_ready"}`, model.ClassNotReady, both},
		{`{"fault":"internal"}`, model.ClassUnavailable, both},
		{`{"fault":"unavailable"}`, model.ClassUnavailable, both},
		{`{"fault":"dependency"}`, model.ClassUnavailable, both},
		{`{"fault":"model_error","status":400}`, model.ClassBadInput, both},
		{`{"fault":"model_error","status":415}`, model.ClassBadInput, both},
		{`{"fault":"model_error","status":413}`, model.ClassTooLarge, both},
		{`{"fault":"model_error","status":404}`, model.ClassNotFound, both},
		{`{"fault":"model_error","status":429}`, model.ClassThrottled, both},
		{`{"fault":"model_error","status":500}`, model.ClassModelFault, both},
		{`{"fault":"reset"}`, model.ClassConnection, both},
		{`{"fault":"truncate"}`, model.ClassConnection, both},
		{`{"fault":"stream_error"}`, 0, model.ClassModelFault},
		{`{"fault":"stream_error","code":"ModelInvocationTimeExceeded"}`, 0, model.ClassTimeout},
		{`{"fault":"stream_failure"}`, 0, model.ClassUnavailable},
	} {
		for _, stream := range []bool{false, true} {
			config, want := fraud(), tt.whole
			if config.Stream = stream; stream && tt.streamed != both {
				want = tt.streamed
			}
			endpoint, err := b.account().Endpoint(config)
			must(t, err)
			id := b.fault(tt.fault)
			_, err = endpoint.Invoke(t.Context(), request("1,2"))
			b.do("DELETE", "/_emu/faults/"+id, "")
			if got := model.ClassOf(err); got != want || (err == nil) != (want == 0) {
				t.Errorf("%s, streamed %v: %v, want %v: %v", tt.fault, stream, got, want, err)
			}
			if _, err := endpoint.Invoke(t.Context(), request("1,2")); err != nil {
				t.Errorf("%s, streamed %v: the call after it: %v", tt.fault, stream, err)
			}
			endpoint.Close()
		}
	}
}
