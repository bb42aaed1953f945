package control

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"time"

	"betimes/internal/lab/emulator/fleet"
	"betimes/internal/lab/emulator/reply"
	"betimes/internal/lab/emulator/training"
)

type jobRequest struct {
	TrainingJobName        string
	HyperParameters        map[string]string
	AlgorithmSpecification struct {
		TrainingImage, AlgorithmName, TrainingInputMode string
		MetricDefinitions                               []training.MetricDefinition
		ContainerEntrypoint, ContainerArguments         []string
	}
	RoleArn           string
	InputDataConfig   []inputChannel
	OutputDataConfig  struct{ S3OutputPath, CompressionType string }
	ResourceConfig    *jobResources
	StoppingCondition struct {
		MaxRuntimeInSeconds, MaxWaitTimeInSeconds, MaxPendingTimeInSeconds *int
	}
	EnableManagedSpotTraining bool
	CheckpointConfig          *struct{ S3Uri, LocalPath string }
	RetryStrategy             *struct{ MaximumRetryAttempts *int }
	Environment               map[string]string
	Tags                      []tag
}

type inputChannel struct {
	ChannelName, ContentType, CompressionType, RecordWrapperType, InputMode string
	DataSource                                                              *struct {
		S3DataSource *struct{ S3DataType, S3Uri, S3DataDistributionType string }
	}
}

type jobResources struct {
	InstanceType                                            string
	InstanceCount, VolumeSizeInGB, KeepAlivePeriodInSeconds *int
}

func (r *jobResources) count() int {
	if r.InstanceCount == nil {
		return 1
	}
	return *r.InstanceCount
}

func (r *jobRequest) check() error {
	var c reply.Checks
	c.Text("trainingJobName", r.TrainingJobName, 63, entityName)
	c.Text("roleArn", r.RoleArn, 2048, roleARN)
	c.Text("outputDataConfig.s3OutputPath", r.OutputDataConfig.S3OutputPath, 1024, s3URI)
	c.OptionalEnum("outputDataConfig.compressionType", r.OutputDataConfig.CompressionType, "GZIP", "NONE")
	r.checkAlgorithm(&c)
	checkEnvironment(&c, "environment", r.Environment, 512, 512)
	checkTags(&c, "tags", r.Tags)
	r.checkLimits(&c)
	c.Length("inputDataConfig", len(r.InputDataConfig), 0, 20)
	for i := range r.InputDataConfig {
		r.InputDataConfig[i].check(&c, fmt.Sprintf("inputDataConfig.%d.member.", i+1))
	}
	if err := c.Err(); err != nil {
		return err
	}
	if err := r.checkSpot(); err != nil {
		return err
	}
	return r.built()
}

func (r *jobRequest) checkAlgorithm(c *reply.Checks) {
	a := &r.AlgorithmSpecification
	c.OptionalText("algorithmSpecification.trainingImage", a.TrainingImage, 255, imageName)
	c.Enum("algorithmSpecification.trainingInputMode", a.TrainingInputMode, inputModes...)
	c.Length("algorithmSpecification.metricDefinitions", len(a.MetricDefinitions), 0, 40)
	for i, d := range a.MetricDefinitions {
		at := fmt.Sprintf("algorithmSpecification.metricDefinitions.%d.member.", i+1)
		c.Text(at+"name", d.Name, 255, nil)
		c.Text(at+"regex", d.Regex, 500, nil)
	}
	c.Length("hyperParameters", len(r.HyperParameters), 0, 100)
	for _, name := range slices.Sorted(maps.Keys(r.HyperParameters)) {
		c.OptionalText("hyperParameters", name, 256, nil)
		c.OptionalText("hyperParameters."+name, r.HyperParameters[name], 2500, nil)
	}
}

var inputModes = []string{"Pipe", "File", "FastFile"}

func (r *jobRequest) checkLimits(c *reply.Checks) {
	c.Between("stoppingCondition.maxRuntimeInSeconds", r.StoppingCondition.MaxRuntimeInSeconds, 1, math.MaxInt32)
	c.Between("stoppingCondition.maxWaitTimeInSeconds", r.StoppingCondition.MaxWaitTimeInSeconds, 1, math.MaxInt32)
	c.Between("stoppingCondition.maxPendingTimeInSeconds", r.StoppingCondition.MaxPendingTimeInSeconds, 1800, 2419200)
	if r.RetryStrategy != nil {
		c.RequiredBetween("retryStrategy.maximumRetryAttempts", r.RetryStrategy.MaximumRetryAttempts, 1, 30)
	}
	if k := r.CheckpointConfig; k != nil {
		c.Text("checkpointConfig.s3Uri", k.S3Uri, 1024, s3URI)
		c.OptionalText("checkpointConfig.localPath", k.LocalPath, 4096, nil)
	}
	if m := r.ResourceConfig; m != nil {
		c.Between("resourceConfig.instanceCount", m.InstanceCount, 0, math.MaxInt32)
		c.Between("resourceConfig.volumeSizeInGB", m.VolumeSizeInGB, 0, math.MaxInt32)
		c.Between("resourceConfig.keepAlivePeriodInSeconds", m.KeepAlivePeriodInSeconds, 0, 21600)
		if m.InstanceType != "" && !instance.MatchString(m.InstanceType) {
			c.Add(m.InstanceType, "resourceConfig.instanceType", "Member must satisfy enum value set: [ml.m5.large, ml.c5.xlarge, ...]")
		}
	}
}

func (in *inputChannel) check(c *reply.Checks, at string) {
	c.Text(at+"channelName", in.ChannelName, 64, channel)
	c.OptionalText(at+"contentType", in.ContentType, 256, nil)
	c.OptionalEnum(at+"compressionType", in.CompressionType, "None", "Gzip")
	c.OptionalEnum(at+"recordWrapperType", in.RecordWrapperType, "None", "RecordIO")
	c.OptionalEnum(at+"inputMode", in.InputMode, inputModes...)
	if in.DataSource == nil {
		c.Missing(at + "dataSource")
		return
	}
	if s3 := in.DataSource.S3DataSource; s3 != nil {
		at += "dataSource.s3DataSource."
		c.Enum(at+"s3DataType", s3.S3DataType, "ManifestFile", "S3Prefix", "AugmentedManifestFile", "Converse")
		c.Text(at+"s3Uri", s3.S3Uri, 1024, s3URI)
		c.OptionalEnum(at+"s3DataDistributionType", s3.S3DataDistributionType, "FullyReplicated", "ShardedByS3Key")
	}
}

// checkSpot checks how long a job on spot instances may wait for them.
func (r *jobRequest) checkSpot() error {
	wait, run := r.StoppingCondition.MaxWaitTimeInSeconds, int(r.runtime()/time.Second)
	switch {
	case r.EnableManagedSpotTraining && (wait == nil || *wait < run):
		return reply.Validation("Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds.")
	case !r.EnableManagedSpotTraining && wait != nil:
		return reply.Validation("MaxWaitTimeInSeconds above 0 is not allowed when EnableManagedSpotTraining is false.")
	}
	return nil
}

// built refuses what is not built yet.
func (r *jobRequest) built() error {
	switch {
	case r.isProgram() && r.ResourceConfig != nil && r.ResourceConfig.count() > 1:
		return notBuilt("ResourceConfig.InstanceCount above 1 with an image that is not built in")
	case len(r.AlgorithmSpecification.ContainerEntrypoint) > 0:
		return notBuilt("AlgorithmSpecification.ContainerEntrypoint")
	case len(r.AlgorithmSpecification.ContainerArguments) > 0 && !r.isProgram():
		return reply.Validation("ContainerArguments are for images that are not built in; built-in algorithms take HyperParameters")
	case r.AlgorithmSpecification.TrainingInputMode == "Pipe":
		return notBuilt("TrainingInputMode Pipe")
	case r.OutputDataConfig.CompressionType == "NONE":
		return notBuilt("OutputDataConfig.CompressionType NONE")
	}
	for _, in := range r.InputDataConfig {
		switch s3 := in.DataSource.S3DataSource; {
		case in.InputMode == "Pipe":
			return notBuilt("InputMode Pipe of channel " + in.ChannelName)
		case s3 == nil:
			return reply.Validation("Channel %q has no S3DataSource; other data sources are not supported", in.ChannelName)
		case s3.S3DataType != "S3Prefix" && s3.S3DataType != "ManifestFile":
			return notBuilt("S3DataType " + s3.S3DataType)
		}
	}
	for _, d := range r.AlgorithmSpecification.MetricDefinitions {
		if _, err := regexp.Compile(d.Regex); err != nil {
			return reply.Validation("Metric %q: %v", d.Name, err)
		}
	}
	return nil
}

// isProgram says whether what trains is not ours: a program, a container, or a server that runs already.
func (r *jobRequest) isProgram() bool {
	return fleet.Algorithm(r.AlgorithmSpecification.TrainingImage) == ""
}

func (r *jobRequest) runtime() time.Duration {
	if n := r.StoppingCondition.MaxRuntimeInSeconds; n != nil {
		return time.Duration(*n) * time.Second
	}
	return 24 * time.Hour
}

func (r *jobRequest) job(arn string) training.Job {
	j := training.Job{Name: r.TrainingJobName, ARN: arn, Image: r.AlgorithmSpecification.TrainingImage, Algorithm: fleet.Algorithm(r.AlgorithmSpecification.TrainingImage), Hyper: r.HyperParameters,
		Output: r.OutputDataConfig.S3OutputPath, Metrics: r.AlgorithmSpecification.MetricDefinitions,
		Arguments: r.AlgorithmSpecification.ContainerArguments, Environment: r.Environment, Runtime: r.runtime()}
	if r.ResourceConfig != nil {
		j.InstanceType = r.ResourceConfig.InstanceType
	}
	if r.CheckpointConfig != nil {
		j.Checkpoints = r.CheckpointConfig.S3Uri
	}
	for _, in := range r.InputDataConfig {
		s3 := in.DataSource.S3DataSource
		j.Channels = append(j.Channels, training.Channel{
			Name: in.ChannelName, URI: s3.S3Uri, ContentType: in.ContentType, Mode: cmp.Or(in.InputMode, r.AlgorithmSpecification.TrainingInputMode), Gzip: in.CompressionType == "Gzip",
			Manifest: s3.S3DataType == "ManifestFile", Distribution: s3.S3DataDistributionType, RecordWrapper: in.RecordWrapperType,
		})
	}
	return j
}
