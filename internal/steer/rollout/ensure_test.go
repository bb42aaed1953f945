package rollout

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"betimes/internal/sagemaker"
)

const someData = "fraud,amount,hour,note\n1,900,3,7\n0,12.5,,8\n"

func written(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func training(t *testing.T, f *fakeAWS, reports *[]Progress) (Deps, Plan) {
	d, c := f.deps(t, reports)
	return d, Plan{
		Pipeline: "v1 simplified", Model: "fraud_1", Endpoint: c, Fields: []string{"hour", "amount"},
		Train: &TrainConfig{Algorithm: "xgboost", Data: written(t, "train.csv", someData), Label: "fraud", Hyperparameters: map[string]string{"num_round": "2"}},
	}
}

func TestAModelIsTrainedAndPutIntoServiceOnce(t *testing.T) {
	f := newFakeAWS()
	var reports []Progress
	d, p := training(t, f, &reports)
	if err := Ensure(t.Context(), d, p); err != nil {
		t.Fatal(err)
	}
	want := []string{"Put", "Put", "CreateTrainingJob", "CreateModel", "CreateEndpointConfig", "CreateEndpoint"}
	if got := f.made(); !slices.Equal(got, want) {
		t.Errorf("made %v, want %v", got, want)
	}
	for path, body := range f.objects {
		if strings.HasSuffix(path, "/train/data.csv") && string(body) != "1,3,900\n0,,12.5\n" {
			t.Errorf("%s holds %q", path, body)
		}
	}
	steps := []Step{StepRead, StepUpload, StepTrain, StepTrain, StepTrain, StepDeploy, StepReady}
	for i, r := range reports {
		if i >= len(steps) || r.Step != steps[i] || r.Model != "fraud_1" {
			t.Errorf("report %d is %+v, want %v", i, r, steps)
		}
	}
	if err := Ensure(t.Context(), d, p); err != nil {
		t.Fatal(err)
	}
	if got := f.made(); len(got) != 0 {
		t.Errorf("the second time made %v", got)
	}
}

func TestAStopInTheMiddleIsTakenUpWhereItWas(t *testing.T) {
	f := newFakeAWS()
	var reports []Progress
	d, p := training(t, f, &reports)
	for _, stopAt := range []Step{StepUpload, StepTrain, StepDeploy} {
		ctx, cancel := context.WithCancel(t.Context())
		d.Progress = func(r Progress) {
			if r.Step == stopAt {
				cancel()
			}
		}
		if err := Ensure(ctx, d, p); !errors.Is(err, context.Canceled) {
			t.Fatalf("stopped at %s: %v", stopAt, err)
		}
		cancel()
	}
	d.Progress = nil
	if err := Ensure(t.Context(), d, p); err != nil {
		t.Fatal(err)
	}
	if len(f.jobs) != 1 || len(f.models) != 1 || len(f.configs) != 1 || len(f.endpoints) != 1 {
		t.Errorf("jobs %d, models %d, configs %d, endpoints %d: want one of each", len(f.jobs), len(f.models), len(f.configs), len(f.endpoints))
	}
}

func TestAChangedSettingMakesTheEmulatedEndpointFollow(t *testing.T) {
	f := newFakeAWS()
	var reports []Progress
	d, p := training(t, f, &reports)
	if err := Ensure(t.Context(), d, p); err != nil {
		t.Fatal(err)
	}
	before := f.endpoints["fraud"].config
	p.Train.Hyperparameters = map[string]string{"num_round": "3"}
	if err := Ensure(t.Context(), d, p); err != nil {
		t.Fatal(err)
	}
	if after := f.endpoints["fraud"].config; after == before || len(f.jobs) != 2 {
		t.Errorf("config %s, %d jobs", after, len(f.jobs))
	}
	p.Train.Data = filepath.Join(t.TempDir(), "gone.csv")
	if err := Ensure(t.Context(), d, p); err != nil {
		t.Errorf("a running endpoint needs its data again: %v", err)
	}
}

func TestADeploymentThatIsRolledBackIsAnError(t *testing.T) {
	f := newFakeAWS()
	var reports []Progress
	d, p := training(t, f, &reports)
	if err := Ensure(t.Context(), d, p); err != nil {
		t.Fatal(err)
	}
	f.rollBack = true
	p.Endpoint.Instances = 2
	if err := Ensure(t.Context(), d, p); err == nil || !strings.Contains(err.Error(), "models.fraud_1.sagemaker: endpoint fraud serves") {
		t.Errorf("got %v", err)
	}
}

func TestAnEndpointOfSomebodyElseIsLeftAlone(t *testing.T) {
	f := newFakeAWS()
	f.endpoints["fraud"] = &fakeEndpoint{config: "theirs", looks: 1}
	var reports []Progress
	d, p := training(t, f, &reports)
	if err := Ensure(t.Context(), d, p); err != nil {
		t.Fatal(err)
	}
	if got := f.made(); len(got) != 0 {
		t.Errorf("made %v", got)
	}
}

func TestAFailureNamesModelAndReason(t *testing.T) {
	f := newFakeAWS()
	f.failJob = "AlgorithmError: eta is not a number, exit code: 1"
	var reports []Progress
	d, p := training(t, f, &reports)
	err := Ensure(t.Context(), d, p)
	if err == nil || !strings.Contains(err.Error(), "models.fraud_1.train: training job v1-simplified-fraud-1-") || !strings.Contains(err.Error(), "eta is not a number") {
		t.Errorf("a failed job: %v", err)
	}
	f.failJob, f.failEndpoint = "", "The primary container did not pass the ping health check."
	err = Ensure(t.Context(), d, p)
	if err == nil || !strings.Contains(err.Error(), "models.fraud_1.sagemaker: endpoint fraud is Failed: The primary container") {
		t.Errorf("a failed endpoint: %v", err)
	}
	f.failEndpoint = ""
	if err := Ensure(t.Context(), d, p); err != nil {
		t.Errorf("after both: %v", err)
	}
	if len(f.jobs) != 2 {
		t.Errorf("%d jobs; a job that failed earlier is tried again once", len(f.jobs))
	}
}

func TestAServiceThatIsBusyIsAskedAgain(t *testing.T) {
	f := newFakeAWS()
	f.busy = 2
	var reports []Progress
	d, p := training(t, f, &reports)
	if err := Ensure(t.Context(), d, p); err != nil {
		t.Error(err)
	}
}

func TestWithoutAnEndpointOrAWayToMakeOneTheRemedyIsNamed(t *testing.T) {
	var reports []Progress
	d, p := training(t, newFakeAWS(), &reports)
	p.Train = nil
	if err := Ensure(t.Context(), d, p); err == nil || err.Error() != "models.fraud_1.sagemaker: there is no endpoint fraud in us-east-1; create it, or add train or serve so that betimes does" {
		t.Errorf("got %v", err)
	}
}

func TestBuiltinDataIsAskedFor(t *testing.T) {
	f := newFakeAWS()
	var reports []Progress
	d, p := training(t, f, &reports)
	p.Train.Data = "builtin:payments"
	if err := Ensure(t.Context(), d, p); err == nil || !strings.Contains(err.Error(), "models.fraud_1.train.data: builtin:payments is not known") {
		t.Errorf("got %v", err)
	}
	d.Builtin = func(name string) ([]byte, error) {
		if name != "payments" {
			t.Errorf("asked for %q", name)
		}
		return []byte(someData), nil
	}
	if err := Ensure(t.Context(), d, p); err != nil {
		t.Error(err)
	}
}

func TestModelsOfYourOwn(t *testing.T) {
	for _, tt := range []struct {
		name  string
		serve ServeConfig
		image string
		env   any
		data  bool
	}{
		{"a file of xgboost", ServeConfig{File: written(t, "m.json", `{"learner":{}}`)}, "builtin:xgboost", nil, true},
		{"a file of the linear learner", ServeConfig{File: written(t, "m.json", `{"linear_learner":{}}`)}, "builtin:linear-learner", nil, true},
		{"an image", ServeConfig{Image: "builtin:echo"}, "builtin:echo", nil, false},
		{"a command", ServeConfig{Command: []string{"python3", "serve.py"}}, "exec:python3", `["serve.py"]`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFakeAWS()
			var reports []Progress
			d, p := training(t, f, &reports)
			p.Train, p.Serve = nil, &tt.serve
			if err := Ensure(t.Context(), d, p); err != nil {
				t.Fatal(err)
			}
			for _, m := range f.models {
				c := m["PrimaryContainer"].(map[string]any)
				env, _ := c["Environment"].(map[string]any)
				if c["Image"] != tt.image || (c["ModelDataUrl"] != nil) != tt.data || env[execArguments] != tt.env {
					t.Errorf("got %v", c)
				}
			}
		})
	}
}

func TestAPackedModelIsTakenAsItIsAndAnythingElseRefused(t *testing.T) {
	packed, err := pack([]byte(`{"learner":{}}`))
	if err != nil {
		t.Fatal(err)
	}
	got, image, err := packFile(written(t, "model.tar.gz", string(packed)))
	if err != nil || string(got) != string(packed) || image != "builtin:xgboost" {
		t.Errorf("got %d bytes, %s, %v", len(got), image, err)
	}
	for text, want := range map[string]string{
		"pickle":            "serve other models by command",
		`{"trees":[]}`:      "no member learner or linear_learner but trees",
		"\x1f\x8b":          "model.json",
		string(packed[:30]): "model.json",
	} {
		if _, _, err := packFile(written(t, "model.json", text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

// onAWS is a run against a fake that it takes for AWS.
func onAWS(d Deps, p Plan) *run {
	d.Log = slog.New(slog.DiscardHandler)
	return &run{Deps: d, plan: p, start: time.Now()}
}

func TestAnEndpointOnAWSThatServesIsNotTouched(t *testing.T) {
	f := newFakeAWS()
	f.endpoints["fraud"] = &fakeEndpoint{config: "v1-simplified-fraud-1-0123456789", looks: 1}
	var reports []Progress
	d, p := training(t, f, &reports)
	p.Train.Data = "elsewhere.csv"
	if err := onAWS(d, p).ensure(t.Context()); err != nil || len(f.made()) != 0 {
		t.Errorf("got %v", err)
	}
	f.endpoints["fraud"].failure = "no capacity"
	if err := onAWS(d, p).ensure(t.Context()); err == nil || !strings.Contains(err.Error(), "endpoint fraud is Failed: no capacity; delete it") || len(f.made()) != 0 {
		t.Errorf("a failed one: %v", err)
	}
}

func TestTheImageOnAWSIsThatOfTheRegion(t *testing.T) {
	p := Plan{Model: "m", Train: &TrainConfig{Algorithm: linearLearner}}
	var reports []Progress
	d, _ := training(t, newFakeAWS(), &reports)
	recipe, err := onAWS(d, p).algorithm("classes")
	if err != nil || recipe.image != "382416733822.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1" || recipe.hyper["predictor_type"] != "binary_classifier" {
		t.Errorf("%+v, %v", recipe, err)
	}
	for _, tt := range []struct{ algorithm, region, want string }{
		{xgboost, "eu-central-1", "492215442770.dkr.ecr.eu-central-1.amazonaws.com/sagemaker-xgboost:1.7-1"},
		{xgboost, "cn-north-1", "450853457545.dkr.ecr.cn-north-1.amazonaws.com.cn/sagemaker-xgboost:1.7-1"},
		{linearLearner, "eu-south-2", ""},
	} {
		if got, known := registryImage(tt.algorithm, tt.region); known != (tt.want != "") || known && got != tt.want {
			t.Errorf("%s in %s: %s", tt.algorithm, tt.region, got)
		}
	}
}

func TestAJobThatWouldFailAgainIsNotPaidForTwice(t *testing.T) {
	for failure, again := range map[string]bool{
		"AlgorithmError: bad eta": false, "ClientError: no data": false, "CapacityError: none left": true, "InternalServerError: x": true,
	} {
		r := onAWS(Deps{}, Plan{})
		if got := r.worthAnother(sagemaker.TrainingState{Status: "Failed", Failure: failure}); got != again {
			t.Errorf("%s: another try %v", failure, got)
		}
	}
}
