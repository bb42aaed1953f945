package sagemaker

import "context"

// TrainingJob is what a training job is made of: one csv channel, one instance.
type TrainingJob struct {
	Name            string
	Image           string
	Role            string
	Hyperparameters map[string]string
	Data            string // s3://bucket/prefix of the channel train
	Output          string // s3://bucket/prefix that gets <name>/output/model.tar.gz
	InstanceType    string
}

// TrainingState is how far a job is.
type TrainingState struct {
	Status    string `json:"TrainingJobStatus"` // InProgress, Completed, Failed, Stopping, Stopped
	Secondary string `json:"SecondaryStatus"`
	Failure   string `json:"FailureReason"`
	Artifacts struct {
		URI string `json:"S3ModelArtifacts"`
	} `json:"ModelArtifacts"`
	Metrics []TrainingMetric `json:"FinalMetricDataList"`
}

// TrainingMetric is the last value of a metric that the job printed.
type TrainingMetric struct {
	Name  string  `json:"MetricName"`
	Value float64 `json:"Value"`
}

type trainingRequest struct {
	TrainingJobName        string
	HyperParameters        map[string]string `json:",omitempty"`
	AlgorithmSpecification struct{ TrainingImage, TrainingInputMode string }
	RoleArn                string
	InputDataConfig        []channel
	OutputDataConfig       struct{ S3OutputPath string }
	ResourceConfig         struct {
		InstanceType                  string
		InstanceCount, VolumeSizeInGB int
	}
	StoppingCondition struct{ MaxRuntimeInSeconds int }
}

type channel struct {
	ChannelName string
	ContentType string
	DataSource  struct {
		S3DataSource struct{ S3DataType, S3Uri, S3DataDistributionType string }
	}
}

const (
	maxTrainingSeconds = 24 * 60 * 60
	trainingVolumeGB   = 30
)

// CreateTrainingJob starts a job. IsTaken: a job of that name exists.
func (c *Control) CreateTrainingJob(ctx context.Context, j TrainingJob) error {
	r := trainingRequest{TrainingJobName: j.Name, HyperParameters: j.Hyperparameters, RoleArn: j.Role}
	r.AlgorithmSpecification.TrainingImage, r.AlgorithmSpecification.TrainingInputMode = j.Image, "File"
	train := channel{ChannelName: "train", ContentType: "text/csv"}
	train.DataSource.S3DataSource.S3DataType = "S3Prefix"
	train.DataSource.S3DataSource.S3Uri = j.Data
	train.DataSource.S3DataSource.S3DataDistributionType = "FullyReplicated"
	r.InputDataConfig = []channel{train}
	r.OutputDataConfig.S3OutputPath = j.Output
	r.ResourceConfig.InstanceType, r.ResourceConfig.InstanceCount, r.ResourceConfig.VolumeSizeInGB = j.InstanceType, 1, trainingVolumeGB
	r.StoppingCondition.MaxRuntimeInSeconds = maxTrainingSeconds
	return c.call(ctx, "CreateTrainingJob", r, nil)
}

// DescribeTrainingJob tells how far a job is.
func (c *Control) DescribeTrainingJob(ctx context.Context, name string) (TrainingState, error) {
	var state TrainingState
	err := c.call(ctx, "DescribeTrainingJob", struct{ TrainingJobName string }{name}, &state)
	return state, err
}
