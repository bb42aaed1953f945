package sagemaker

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"
)

// TrainingJob is what a training job is made of: csv channels, one instance.
type TrainingJob struct {
	Name            string
	Image           string
	Role            string
	Hyperparameters map[string]string
	Data            string // s3://bucket/prefix of the channel train
	Validation      string // of the channel validation; empty: none
	Output          string // s3://bucket/prefix that gets <name>/output/model.tar.gz
	InstanceType    string
	MaxRuntime      time.Duration     // 0: a day
	Spot            bool              // on spot instances, waited for as long as MaxRuntime again
	Checkpoints     string            // s3://bucket/prefix that an interrupted job goes on from; empty: none
	Metrics         map[string]string // regular expressions by name, for an image of your own; what they find last is kept
}

// TrainingState is how far a job is.
type TrainingState struct {
	Status    string `json:"TrainingJobStatus"` // InProgress, Completed, Failed, Stopping, Stopped
	Secondary string `json:"SecondaryStatus"`
	Failure   string `json:"FailureReason"`
	Artifacts struct {
		URI string `json:"S3ModelArtifacts"`
	} `json:"ModelArtifacts"`
	Metrics     []TrainingMetric `json:"FinalMetricDataList"`
	Transitions []struct {
		Message string `json:"StatusMessage"`
	} `json:"SecondaryStatusTransitions"`
	TrainingSeconds int `json:"TrainingTimeInSeconds"`
	BillableSeconds int `json:"BillableTimeInSeconds"` // less than those of training on spot instances
}

// Ended says that the job will not change any more.
func (s TrainingState) Ended() bool { return s.Status != "InProgress" && s.Status != "Stopping" }

// Message is what the service says of the state that the job is in.
func (s TrainingState) Message() string {
	if len(s.Transitions) == 0 {
		return ""
	}
	return s.Transitions[len(s.Transitions)-1].Message
}

// TrainingMetric is the last value of a metric that the job printed.
type TrainingMetric struct {
	Name  string  `json:"MetricName"`
	Value float64 `json:"Value"`
}

type trainingRequest struct {
	TrainingJobName        string
	HyperParameters        map[string]string `json:",omitempty"`
	AlgorithmSpecification struct {
		TrainingImage, TrainingInputMode string
		MetricDefinitions                []metricDefinition `json:",omitempty"`
	}
	RoleArn          string
	InputDataConfig  []channel
	OutputDataConfig struct{ S3OutputPath string }
	ResourceConfig   struct {
		InstanceType                  string
		InstanceCount, VolumeSizeInGB int
	}
	StoppingCondition struct {
		MaxRuntimeInSeconds  int
		MaxWaitTimeInSeconds int `json:",omitempty"`
	}
	EnableManagedSpotTraining bool              `json:",omitempty"`
	CheckpointConfig          *checkpointConfig `json:",omitempty"`
}

type metricDefinition struct{ Name, Regex string }

type checkpointConfig struct{ S3Uri string }

type channel struct {
	ChannelName string
	ContentType string
	DataSource  struct {
		S3DataSource struct{ S3DataType, S3Uri, S3DataDistributionType string }
	}
}

const (
	maxTraining      = 24 * time.Hour
	trainingVolumeGB = 30
)

// CreateTrainingJob starts a job. IsTaken: a job of that name exists.
func (c *Control) CreateTrainingJob(ctx context.Context, j TrainingJob) error {
	r := trainingRequest{TrainingJobName: j.Name, HyperParameters: j.Hyperparameters, RoleArn: j.Role}
	r.AlgorithmSpecification.TrainingImage, r.AlgorithmSpecification.TrainingInputMode = j.Image, "File"
	for _, name := range slices.Sorted(maps.Keys(j.Metrics)) {
		r.AlgorithmSpecification.MetricDefinitions = append(r.AlgorithmSpecification.MetricDefinitions, metricDefinition{name, j.Metrics[name]})
	}
	r.InputDataConfig = []channel{csvChannel("train", j.Data)}
	if j.Validation != "" {
		r.InputDataConfig = append(r.InputDataConfig, csvChannel("validation", j.Validation))
	}
	r.OutputDataConfig.S3OutputPath = j.Output
	r.ResourceConfig.InstanceType, r.ResourceConfig.InstanceCount, r.ResourceConfig.VolumeSizeInGB = j.InstanceType, 1, trainingVolumeGB
	r.limit(j)
	return c.call(ctx, "CreateTrainingJob", r, nil)
}

// limit says how long the job may take, and wait for a spot instance.
func (r *trainingRequest) limit(j TrainingJob) {
	runtime := cmp.Or(j.MaxRuntime, maxTraining)
	r.StoppingCondition.MaxRuntimeInSeconds = int(runtime / time.Second)
	if j.Spot {
		r.EnableManagedSpotTraining = true
		r.StoppingCondition.MaxWaitTimeInSeconds = int(2 * runtime / time.Second)
	}
	if j.Checkpoints != "" {
		r.CheckpointConfig = &checkpointConfig{j.Checkpoints}
	}
}

func csvChannel(name, uri string) channel {
	c := channel{ChannelName: name, ContentType: "text/csv"}
	c.DataSource.S3DataSource.S3DataType = "S3Prefix"
	c.DataSource.S3DataSource.S3Uri = uri
	c.DataSource.S3DataSource.S3DataDistributionType = "FullyReplicated"
	return c
}

// StopTrainingJob asks a job to end; it is Stopping, then Stopped.
func (c *Control) StopTrainingJob(ctx context.Context, name string) error {
	return c.call(ctx, "StopTrainingJob", struct{ TrainingJobName string }{name}, nil)
}

// DescribeTrainingJob tells how far a job is.
func (c *Control) DescribeTrainingJob(ctx context.Context, name string) (TrainingState, error) {
	var state TrainingState
	err := c.call(ctx, "DescribeTrainingJob", struct{ TrainingJobName string }{name}, &state)
	return state, err
}
