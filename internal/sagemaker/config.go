package sagemaker

import "time"

// Config is one SageMaker endpoint as a model.
type Config struct {
	Endpoint     string        `yaml:"endpoint" doc:"Endpoint name; default: the model's name."`
	Region       string        `yaml:"region" doc:"AWS region; default: that of the environment, us-east-1 on the emulator."`
	Embedded     *bool         `yaml:"embedded" doc:"Use the emulator inside this process; only under up and demo. Default: true when kafka is embedded too."`
	URL          string        `yaml:"url" doc:"Endpoint URL instead of AWS's own, for a VPC endpoint or an emulator elsewhere."`
	Variant      string        `yaml:"variant" doc:"Ask this production variant only."`
	Connections  int           `yaml:"connections" doc:"Most connections to the endpoint. Fewer than the calls at once: calls wait for a connection."`
	InstanceType string        `yaml:"instance_type" doc:"Instance type when betimes creates the endpoint."`
	Instances    int           `yaml:"instances" doc:"Instance count when betimes creates the endpoint."`
	Probe        time.Duration `yaml:"probe" doc:"How often the endpoint's config name and status are checked; default 500ms on the emulator, 10s on AWS."`
}

// AWSConfig is what all calls to AWS share. The file wins over the environment.
type AWSConfig struct {
	Region      string `yaml:"region" doc:"AWS region; default: AWS_REGION, else us-east-1."`
	EndpointURL string `yaml:"endpoint_url" doc:"URL of all services, for an emulator; default: AWS_ENDPOINT_URL."`
	Profile     string `yaml:"profile" doc:"Profile of the shared credentials file; default: AWS_PROFILE."`
	Role        string `yaml:"role" doc:"ARN of the role that training jobs and endpoints run as."`
	Bucket      string `yaml:"bucket" doc:"S3 bucket for training data and models."`
}

// DefaultConfig is one instance of a common type.
func DefaultConfig() Config {
	return Config{Connections: 256, InstanceType: "ml.m5.large", Instances: 1}
}

// DefaultAWSConfig leaves everything to the environment.
func DefaultAWSConfig() AWSConfig {
	return AWSConfig{Role: "arn:aws:iam::000000000000:role/betimes", Bucket: "betimes"}
}
