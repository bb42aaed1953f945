package emulator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"betimes/internal/lab/emulator"
)

// box is an emulator under test.
type box struct {
	t    testing.TB
	url  string
	dir  string
	from string // KEY/DATE/REGION of a signature; empty: none
	made *emulator.Emulator
	stop func()
}

func start(t *testing.T, profile, dir string) *box { return startFor(t, profile, dir) }

func startFor(t testing.TB, profile, dir string) *box {
	t.Helper()
	config := emulator.DefaultConfig()
	config.Profile, config.Engine = profile, "off" // whatever this machine has
	return startWith(t, config, dir)
}

func startWith(t testing.TB, config emulator.Config, dir string) *box {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e, err := emulator.New(config, emulator.Deps{Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Dir: dir, Listener: l, Metrics: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	<-e.Ready()
	b := &box{t: t, url: e.URL(), dir: dir, made: e}
	stopped := false
	b.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
	t.Cleanup(b.stop)
	return b
}

// do sends one request and gives status and body.
func (b *box) do(method, path, body string, headers ...string) (*http.Response, string) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	if b.from != "" {
		req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+b.from+"/"+serviceIn(req, body)+"/aws4_request, SignedHeaders=host, Signature=00")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp, string(got)
}

// control calls the control plane; a refused call is answered with its error.
func (b *box) control(operation string, request any) map[string]any {
	b.t.Helper()
	body, err := json.Marshal(request)
	if err != nil {
		b.t.Fatal(err)
	}
	_, text := b.do("POST", "/", string(body), "X-Amz-Target", "SageMaker."+operation, "Content-Type", "application/x-amz-json-1.1")
	var answer map[string]any
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		b.t.Fatalf("%s: %v in %s", operation, err, text)
	}
	return answer
}

type m = map[string]any

// deploy makes an endpoint of one variant and waits until it is in service.
func (b *box) deploy(name, image, modelURL string, count int) {
	b.t.Helper()
	b.config(name, image, modelURL, count)
	b.control("CreateEndpoint", m{"EndpointName": name, "EndpointConfigName": name})
	if got := b.control("DescribeEndpoint", m{"EndpointName": name}); got["EndpointStatus"] != "InService" {
		b.t.Fatalf("endpoint %s: %v", name, got)
	}
}

func (b *box) config(name, image, modelURL string, count int) {
	b.t.Helper()
	container := m{"Image": image}
	if modelURL != "" {
		container["ModelDataUrl"] = modelURL
	}
	b.control("CreateModel", m{"ModelName": name, "PrimaryContainer": container})
	got := b.control("CreateEndpointConfig", m{"EndpointConfigName": name, "ProductionVariants": []m{{
		"VariantName": "AllTraffic", "ModelName": name, "InitialInstanceCount": count, "InstanceType": "ml.c5.xlarge"}}})
	if got["EndpointConfigArn"] == nil {
		b.t.Fatalf("config %s: %v", name, got)
	}
}

// trainingData has a label that is 1 where the first feature is above 0.5.
func trainingData() string {
	var csv bytes.Buffer
	for i := range 400 {
		x := float64(i%100) / 100
		label := 0
		if x > 0.5 {
			label = 1
		}
		fmt.Fprintf(&csv, "%d,%g,%d\n", label, x, i%7)
	}
	return csv.String()
}

// train trains an algorithm and gives the artefact.
func (b *box) train(job, algorithm string, hyper map[string]string) string {
	b.t.Helper()
	b.do("PUT", "/data", "")
	b.do("PUT", "/data/train/part-0.csv", trainingData())
	b.control("CreateTrainingJob", m{
		"TrainingJobName": job, "RoleArn": "arn:aws:iam::000000000000:role/betimes", "HyperParameters": hyper,
		"AlgorithmSpecification": m{"TrainingImage": algorithm, "TrainingInputMode": "File"},
		"InputDataConfig":        []m{{"ChannelName": "train", "ContentType": "text/csv", "DataSource": m{"S3DataSource": m{"S3DataType": "S3Prefix", "S3Uri": "s3://data/train/"}}}},
		"OutputDataConfig":       m{"S3OutputPath": "s3://data/models"},
		"ResourceConfig":         m{"InstanceType": "ml.c5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10},
		"StoppingCondition":      m{"MaxRuntimeInSeconds": 600},
	})
	got := b.control("DescribeTrainingJob", m{"TrainingJobName": job})
	if got["TrainingJobStatus"] != "Completed" {
		b.t.Fatalf("training job: %v", got)
	}
	return got["ModelArtifacts"].(m)["S3ModelArtifacts"].(string)
}

func TestATrainedModelServes(t *testing.T) {
	for _, c := range []struct{ algorithm, request, contentType, answers string }{
		{"builtin:xgboost", "0.9,3\n0.1,3\n", "text/csv", "text/csv"},
		{"811284229777.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1", "0.9,3\n0.1,3", "text/csv", "text/csv"},
		{"builtin:linear-learner", `{"instances":[{"features":[0.9,3]},{"features":[0.1,3]}]}`, "application/json", "application/json"},
	} {
		t.Run(c.algorithm, func(t *testing.T) {
			b := start(t, "instant", t.TempDir())
			hyper := map[string]string{"num_round": "20", "objective": "binary:logistic"}
			if strings.Contains(c.algorithm, "linear") {
				hyper = map[string]string{"predictor_type": "binary_classifier"}
			}
			b.deploy("fraud", c.algorithm, b.train("job", c.algorithm, hyper), 1)
			resp, body := b.do("POST", "/endpoints/fraud/invocations", c.request, "Content-Type", c.contentType)
			if resp.StatusCode != 200 || !strings.HasPrefix(resp.Header.Get("Content-Type"), c.answers) {
				t.Fatalf("answered %d %s: %s", resp.StatusCode, resp.Header.Get("Content-Type"), body)
			}
			high, low := scoresOf(t, body)
			if high < 0.8 || low > 0.2 {
				t.Errorf("scores %g and %g, want above 0.8 and below 0.2: %s", high, low, body)
			}
		})
	}
}

func TestAModelOfLightGBMAnswersAsInPython(t *testing.T) {
	const data = "../learn/testdata/"
	b := start(t, "instant", t.TempDir())
	read := func(name string) string {
		text, err := os.ReadFile(data + name)
		must(t, err)
		return string(text)
	}
	b.do("PUT", "/data", "")
	b.do("PUT", "/data/model.txt", read("lightgbm-model.txt"))
	b.deploy("light", "builtin:lightgbm", "s3://data/model.txt", 1)
	var want []float64
	must(t, json.Unmarshal([]byte(read("lightgbm-answers.json")), &want))
	var rows []string
	for row := range strings.Lines(read("breast-cancer-holes-held.csv")) {
		_, features, _ := strings.Cut(row, ",") // the label is first
		rows = append(rows, features)
	}
	resp, body := b.do("POST", "/endpoints/light/invocations", strings.Join(rows, ""), "Content-Type", "text/csv")
	got := strings.Fields(body)
	if resp.StatusCode != 200 || len(got) != len(want) {
		t.Fatalf("answered %d, %d rows for %d: %.200s", resp.StatusCode, len(got), len(want), body)
	}
	for i, text := range got {
		if score, err := strconv.ParseFloat(text, 64); err != nil || math.Abs(score-want[i]) > 1e-6 {
			t.Fatalf("row %d: %s, want %g", i+1, text, want[i])
		}
	}
}

// scoresOf reads two scores of CSV or JSON.
func scoresOf(t *testing.T, body string) (first, second float64) {
	t.Helper()
	var answer struct {
		Predictions []struct {
			Score float64 `json:"score"`
			Label *int    `json:"predicted_label"`
		} `json:"predictions"`
	}
	if json.Unmarshal([]byte(body), &answer) == nil {
		if len(answer.Predictions) != 2 || answer.Predictions[0].Label == nil || *answer.Predictions[0].Label != 1 {
			t.Fatalf("answer is %s", body)
		}
		return answer.Predictions[0].Score, answer.Predictions[1].Score
	}
	if _, err := fmt.Sscanf(body, "%g\n%g\n", &first, &second); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return first, second
}

func copyAll(w io.Writer, resp *http.Response) (int64, error) { return io.Copy(w, resp.Body) }
