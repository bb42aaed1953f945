package emulator_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// trainProgram runs a shell script as a training job and gives its description.
func (b *box) trainProgram(t *testing.T, name, text string, limit int) map[string]any {
	t.Helper()
	path := filepath.Join(t.TempDir(), "train.sh")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	b.control("CreateTrainingJob", m{
		"TrainingJobName": name, "RoleArn": "arn:aws:iam::000000000000:role/r", "OutputDataConfig": m{"S3OutputPath": "s3://data/models"},
		"AlgorithmSpecification": m{"TrainingImage": "exec:" + path, "TrainingInputMode": "File", "ContainerArguments": []string{"fit", "--fast"},
			"MetricDefinitions": []m{{"Name": "loss", "Regex": "loss=([0-9.]+)"}}},
		"Environment": m{"GREETING": "hello"}, "StoppingCondition": m{"MaxRuntimeInSeconds": limit},
	})
	return b.control("DescribeTrainingJob", m{"TrainingJobName": name})
}

func TestAProgramIsTrainedAsAJob(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	b.do("PUT", "/data", "")
	got := b.trainProgram(t, "good", `echo "$GREETING $*" > "$SM_MODEL_DIR/model"; echo loss=0.25`, 60)
	metrics, _ := got["FinalMetricDataList"].([]any)
	if got["TrainingJobStatus"] != "Completed" || len(metrics) != 1 {
		t.Fatalf("job %v", got)
	}
	if resp, _ := b.do("HEAD", "/data/models/good/output/model.tar.gz", ""); resp.StatusCode != 200 {
		t.Errorf("the artefact is answered with %d", resp.StatusCode)
	}
	got = b.trainProgram(t, "bad", `echo no memory > "$SM_OUTPUT_DIR/failure"; exit 2`, 60)
	if got["TrainingJobStatus"] != "Failed" || got["FailureReason"] != "AlgorithmError: no memory\n, exit code: 2" {
		t.Errorf("job %v", got)
	}
	got = b.trainProgram(t, "endless", `trap 'echo half > "$SM_MODEL_DIR/model"; exit' TERM; while :; do sleep 0.02; done`, 1)
	artefact, _ := got["ModelArtifacts"].(map[string]any)
	if got["TrainingJobStatus"] != "Stopped" || got["SecondaryStatus"] != "MaxRuntimeExceeded" || !strings.HasSuffix(artefact["S3ModelArtifacts"].(string), "endless/output/model.tar.gz") {
		t.Errorf("job %v", got)
	}
}

func TestAServerIsTrainedAsAJob(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var job struct{ Folder string }
		if r.URL.Path == "/train" && json.NewDecoder(r.Body).Decode(&job) == nil {
			_ = os.WriteFile(filepath.Join(job.Folder, "model", "model"), []byte("trained"), 0o600) // else the job fails
		}
	}))
	t.Cleanup(server.Close)
	b := start(t, "instant", t.TempDir())
	b.do("PUT", "/data", "")
	for image, want := range map[string]string{server.URL: "Completed", "http://127.0.0.1:1": "Failed"} {
		name := "of-" + want
		b.control("CreateTrainingJob", m{
			"TrainingJobName": name, "RoleArn": "arn:aws:iam::000000000000:role/r", "OutputDataConfig": m{"S3OutputPath": "s3://data/models"},
			"AlgorithmSpecification": m{"TrainingImage": image, "TrainingInputMode": "File"}, "StoppingCondition": m{"MaxRuntimeInSeconds": 60},
		})
		if got := b.control("DescribeTrainingJob", m{"TrainingJobName": name}); got["TrainingJobStatus"] != want {
			t.Errorf("job %v", got)
		}
	}
}
