package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// train begins a job: a built-in algorithm or a program that starts another one.
func (u *user) train(ctx context.Context) {
	name := u.id("job")
	image := []string{"builtin:xgboost", u.images.train}[u.IntN(2)]
	r := u.keep(&register{what: name, read: u.described("DescribeTrainingJob", "TrainingJobName", name)})
	request := members{"TrainingJobName": name, "RoleArn": roleARN, "OutputDataConfig": members{"S3OutputPath": "s3://campaign/models"},
		"AlgorithmSpecification": members{"TrainingImage": image, "TrainingInputMode": "File"}, "HyperParameters": members{"num_round": "5"},
		"InputDataConfig": []members{{"ChannelName": "train", "ContentType": "text/csv", "DataSource": members{"S3DataSource": members{"S3DataType": "S3Prefix", "S3Uri": "s3://campaign/rows/"}}}}}
	if image != "builtin:xgboost" {
		delete(request, "HyperParameters")
	}
	a, err := u.e.json(ctx, toSageMaker+"CreateTrainingJob", request)
	r.wrote("there", u.write(ctx, a, err))
	if err == nil && a.done() {
		u.jobs = append(u.jobs, name)
	}
}

func (u *user) stopJob(ctx context.Context) {
	if len(u.jobs) == 0 {
		return
	}
	a, err := u.e.json(ctx, toSageMaker+"StopTrainingJob", members{"TrainingJobName": u.jobs[len(u.jobs)-1]})
	u.write(ctx, a, err)
}

// judgeJob checks a job that must have ended: completed ones have a whole model and a log that can be read.
func (u *user) judgeJob(ctx context.Context, name string) error {
	got, err := u.status(ctx, "DescribeTrainingJob", "TrainingJobName", name)
	if err != nil {
		return err
	}
	u.outcomes[fmt.Sprint(got["TrainingJobStatus"])]++
	if got["TrainingJobStatus"] == "Failed" {
		u.problems = append(u.problems, fmt.Sprintf("%s failed: %v", name, got["FailureReason"]))
	}
	if got["TrainingJobStatus"] == "Completed" {
		a, err := u.e.ask(ctx, http.MethodGet, "/campaign/models/"+name+"/output/model.tar.gz", nil)
		if err != nil {
			return err
		}
		if err := wholeGzip(a.body); err != nil || !a.done() {
			u.problems = append(u.problems, fmt.Sprintf("model of %s: %d, %v", name, a.status, err))
		}
	}
	return u.judgeLog(ctx, name)
}

func wholeGzip(text []byte) error {
	zipped, err := gzip.NewReader(bytes.NewReader(text))
	if err == nil {
		_, err = io.Copy(io.Discard, zipped)
	}
	return err
}

// judgeLog reads all streams of a job.
func (u *user) judgeLog(ctx context.Context, name string) error {
	const group = "/aws/sagemaker/TrainingJobs"
	var streams struct {
		LogStreams []struct{ LogStreamName string }
	}
	err := u.e.get(ctx, toLogs+"DescribeLogStreams", members{"logGroupName": group, "logStreamNamePrefix": name + "/"}, &streams)
	if err != nil && !strings.Contains(err.Error(), "ResourceNotFoundException") { // no job has begun to log
		u.problems = append(u.problems, err.Error())
	}
	for _, s := range streams.LogStreams {
		if err := u.e.get(ctx, toLogs+"GetLogEvents", members{"logGroupName": group, "logStreamName": s.LogStreamName, "startFromHead": true}, &members{}); err != nil {
			u.problems = append(u.problems, err.Error())
		}
	}
	return nil
}
