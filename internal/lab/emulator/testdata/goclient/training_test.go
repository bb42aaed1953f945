package goclient

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	watch "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/smithy-go"
)

// program is a training image that runs a shell script.
func program(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "train")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return "exec:" + path
}

func TestAProgramTrainsUnderTheContract(t *testing.T) {
	t.Parallel()
	b := start(t, "instant")
	b.bucket("example", "train/part-0.csv", "1,2\n")
	got := b.train("good", job{
		image:   program(t, `grep -q '"depth":"3"' "$SM_INPUT_CONFIG_DIR/hyperparameters.json" && cp "$SM_CHANNEL_TRAIN/part-0.csv" "$SM_MODEL_DIR/" && echo loss=0.5 && echo loss=0.25`),
		hyper:   map[string]string{"depth": "3"},
		metrics: []types.MetricDefinition{{Name: aws.String("loss"), Regex: aws.String("loss=([0-9.]+)")}}})
	if got.TrainingJobStatus != types.TrainingJobStatusCompleted || len(got.FinalMetricDataList) != 1 || aws.ToFloat32(got.FinalMetricDataList[0].Value) != 0.25 {
		t.Fatalf("the job ended %s %s with %v", got.TrainingJobStatus, text(got.FailureReason), got.FinalMetricDataList)
	}
	if artefact, err := b.object(t.Context(), text(got.ModelArtifacts.S3ModelArtifacts)); err != nil || artefact == "" {
		t.Errorf("the artefact has %d bytes, %v", len(artefact), err)
	}
	var states []types.SecondaryStatus
	for _, s := range got.SecondaryStatusTransitions {
		states = append(states, s.Status)
	}
	if !slices.Equal(states, []types.SecondaryStatus{"Starting", "Downloading", "Training", "Uploading", "Completed"}) {
		t.Errorf("through %v", states)
	}
	metrics := must(b.cw.ListMetrics(t.Context(), &cloudwatch.ListMetricsInput{Namespace: aws.String("/aws/sagemaker/TrainingJobs"),
		Dimensions: []watch.DimensionFilter{{Name: aws.String("TrainingJobName"), Value: aws.String("good")}}}))(t)
	if len(metrics.Metrics) != 1 || text(metrics.Metrics[0].MetricName) != "loss" {
		t.Errorf("CloudWatch has %v of it", metrics.Metrics)
	}
	_, err := b.order("good", job{image: "builtin:xgboost"})
	var used *types.ResourceInUse
	if !errors.As(err, &used) || !strings.HasPrefix(used.ErrorMessage(), "Training job names must be unique within an AWS account and region, and a training job with this name already exists (arn:") {
		t.Errorf("a second job of that name: %v", err)
	}
}

func TestATrainingJobFailsAndStopsAsOnAWS(t *testing.T) {
	t.Parallel()
	b := start(t, "instant")
	ctx := t.Context()
	b.bucket("example", "train/part-0.csv", rows())
	endless := program(t, `trap 'echo half > "$SM_MODEL_DIR/model"; exit' TERM; while :; do sleep 0.05; done`)
	for name, c := range map[string]struct {
		job  job
		says string
	}{
		"failure-file": {job{image: program(t, `echo no memory > "$SM_OUTPUT_DIR/failure"; exit 1`)}, "AlgorithmError: no memory"},
		"no-data":      {job{image: "builtin:xgboost", input: "s3://example/none/"}, "ClientError: Data download failed:"},
		"bad-value":    {job{image: "builtin:xgboost", hyper: map[string]string{"num_round": "many"}}, "AlgorithmError: "},
	} {
		if got := b.train(name, c.job); got.TrainingJobStatus != types.TrainingJobStatusFailed || !strings.HasPrefix(text(got.FailureReason), c.says) {
			t.Errorf("%s ended %s: %s", name, got.TrainingJobStatus, text(got.FailureReason))
		}
	}
	stop := func(name string) error {
		_, err := b.sm.StopTrainingJob(ctx, &sagemaker.StopTrainingJobInput{TrainingJobName: &name})
		return err
	}
	must(b.order("stopped", job{image: endless}))(t)
	if err := stop("stopped"); err != nil {
		t.Fatal(err)
	}
	if got := b.trained("stopped"); got.TrainingJobStatus != types.TrainingJobStatusStopped || got.SecondaryStatus != types.SecondaryStatusStopped {
		t.Errorf("it ended %s, %s", got.TrainingJobStatus, got.SecondaryStatus)
	}
	if got := b.train("capped", job{image: endless, seconds: 1}); got.SecondaryStatus != types.SecondaryStatusMaxRuntimeExceeded || text(got.ModelArtifacts.S3ModelArtifacts) == "" {
		t.Errorf("it ended %s, %s with %q", got.TrainingJobStatus, got.SecondaryStatus, text(got.ModelArtifacts.S3ModelArtifacts))
	}
	var api smithy.APIError
	if err := stop("no-data"); !errors.As(err, &api) || api.ErrorMessage() != "The request was rejected because the training job is in status Failed" {
		t.Errorf("stopping a job that failed: %v", err)
	}
	if err := stop("none"); !errors.As(err, &api) || api.ErrorCode() != "ValidationException" || api.ErrorMessage() != "Requested resource not found." {
		t.Errorf("stopping a job that is not there: %v", err)
	}
}
