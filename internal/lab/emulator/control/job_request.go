package control

import (
	"fmt"
	"regexp"
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
	}
	RoleArn         string
	InputDataConfig []struct {
		ChannelName                                 string
		ContentType, CompressionType, RecordWrapper string
		DataSource                                  struct {
			S3DataSource *struct{ S3DataType, S3Uri string }
		}
	}
	OutputDataConfig          struct{ S3OutputPath, CompressionType string }
	ResourceConfig            *struct{ InstanceType string }
	StoppingCondition         struct{ MaxRuntimeInSeconds *int }
	EnableManagedSpotTraining bool
	Environment               map[string]string
	Tags                      []tag
}

func (r *jobRequest) check() error {
	var c checks
	c.text("trainingJobName", r.TrainingJobName, 63, entityName)
	c.text("roleArn", r.RoleArn, 2048, roleARN)
	c.text("outputDataConfig.s3OutputPath", r.OutputDataConfig.S3OutputPath, 1024, s3URI)
	c.optionalText("algorithmSpecification.trainingImage", r.AlgorithmSpecification.TrainingImage, 255, imageName)
	c.enum("algorithmSpecification.trainingInputMode", r.AlgorithmSpecification.TrainingInputMode, "File", "Pipe", "FastFile")
	c.count("hyperParameters", len(r.HyperParameters), 0, 100)
	for name, value := range r.HyperParameters {
		c.optionalText("hyperParameters", name, 256, nil)
		c.optionalText("hyperParameters."+name, value, 2500, nil)
	}
	c.environment("environment", r.Environment, 512, 512)
	c.count("algorithmSpecification.metricDefinitions", len(r.AlgorithmSpecification.MetricDefinitions), 0, 40)
	c.tags("tags", r.Tags)
	if n := r.StoppingCondition.MaxRuntimeInSeconds; n != nil {
		c.between("stoppingCondition.maxRuntimeInSeconds", n, 1, 2419200)
	}
	if r.ResourceConfig != nil && r.ResourceConfig.InstanceType != "" && !instance.MatchString(r.ResourceConfig.InstanceType) {
		c.add(r.ResourceConfig.InstanceType, "resourceConfig.instanceType", "Member must satisfy enum value set: [ml.m5.large, ml.c5.xlarge, ...]")
	}
	for i, in := range r.InputDataConfig {
		c.text(fmt.Sprintf("inputDataConfig.%d.member.channelName", i+1), in.ChannelName, 64, channel)
		if s3 := in.DataSource.S3DataSource; s3 != nil {
			c.text(fmt.Sprintf("inputDataConfig.%d.member.dataSource.s3DataSource.s3Uri", i+1), s3.S3Uri, 1024, s3URI)
		}
	}
	if err := c.err(); err != nil {
		return err
	}
	return r.built()
}

// built refuses what is not built yet.
func (r *jobRequest) built() error {
	switch {
	case fleet.Algorithm(r.AlgorithmSpecification.TrainingImage) == "":
		return reply.Validation("Training image %q cannot run here; use one that contains xgboost or linear-learner", r.AlgorithmSpecification.TrainingImage)
	case r.AlgorithmSpecification.TrainingInputMode == "Pipe":
		return notBuilt("TrainingInputMode Pipe")
	case r.EnableManagedSpotTraining:
		return notBuilt("EnableManagedSpotTraining")
	case r.OutputDataConfig.CompressionType == "NONE":
		return notBuilt("OutputDataConfig.CompressionType NONE")
	}
	for _, in := range r.InputDataConfig {
		switch s3 := in.DataSource.S3DataSource; {
		case s3 == nil:
			return reply.Validation("Channel %q has no S3DataSource; other data sources are not supported", in.ChannelName)
		case s3.S3DataType != "S3Prefix":
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

func (r *jobRequest) runtime() time.Duration {
	if n := r.StoppingCondition.MaxRuntimeInSeconds; n != nil {
		return time.Duration(*n) * time.Second
	}
	return 24 * time.Hour
}

func (r *jobRequest) job() training.Job {
	j := training.Job{Name: r.TrainingJobName, Algorithm: fleet.Algorithm(r.AlgorithmSpecification.TrainingImage), Hyper: r.HyperParameters,
		Output: r.OutputDataConfig.S3OutputPath, Metrics: r.AlgorithmSpecification.MetricDefinitions}
	for _, in := range r.InputDataConfig {
		j.Channels = append(j.Channels, training.Channel{Name: in.ChannelName, URI: in.DataSource.S3DataSource.S3Uri, ContentType: in.ContentType, Gzip: in.CompressionType == "Gzip"})
	}
	return j
}
