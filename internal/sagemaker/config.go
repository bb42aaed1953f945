package sagemaker

import (
	"net/url"
	"regexp"
	"time"

	"betimes/internal/setting"
)

// Config is one SageMaker endpoint as a model.
type Config struct {
	Endpoint     string        `yaml:"endpoint" doc:"Endpoint name; default: the model's name."`
	Region       string        `yaml:"region" doc:"AWS region; default: that of the environment, us-east-1 on the emulator."`
	Embedded     *bool         `yaml:"embedded" doc:"Use the emulator inside this process; only under up and demo. Default: true when kafka is embedded too."`
	URL          string        `yaml:"url" doc:"Endpoint URL instead of AWS's own, for a VPC endpoint or an emulator elsewhere."`
	Variant      string        `yaml:"variant" doc:"Ask this production variant only."`
	TargetModel  string        `yaml:"target_model" doc:"Model of a multi-model endpoint: its file below the endpoint's S3 prefix, for example fraud.tar.gz."`
	Component    string        `yaml:"component" doc:"Inference component of the endpoint that is asked."`
	Session      string        `yaml:"session" doc:"Session of a stateful model that every call belongs to; its events never share a call."`
	Stream       bool          `yaml:"stream" doc:"Ask with InvokeEndpointWithResponseStream: the model may take 8 minutes instead of one. Its events never share a call."`
	Async        *AsyncConfig  `yaml:"async" doc:"The endpoint is asynchronous: requests wait there for a free worker, and answers come by S3. Its events never share a call. Default: off."`
	Connections  int           `yaml:"connections" doc:"Most connections to the endpoint. Fewer than the calls at once: calls wait for a connection."`
	InstanceType string        `yaml:"instance_type" doc:"Instance type when betimes creates the endpoint."`
	Instances    int           `yaml:"instances" doc:"Instance count when betimes creates the endpoint."`
	Probe        time.Duration `yaml:"probe" doc:"How often the endpoint's config name and status are checked, four times as often while it changes; default 500ms on the emulator, 10s on AWS."`
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

// Validate notes what is wrong. Empty values that have a default are right.
func (c Config) Validate() setting.Problems {
	var ps setting.Problems
	checkName(&ps, "endpoint", c.Endpoint)
	checkName(&ps, "variant", c.Variant)
	checkName(&ps, "component", c.Component)
	checkHeader(&ps, "target_model", c.TargetModel, 1024)
	checkHeader(&ps, "session", c.Session, 256)
	if c.Stream && c.TargetModel != "" {
		ps.Add("target_model", "SageMaker streams no answers of multi-model endpoints; remove it or stream")
	}
	if c.Async != nil {
		ps.Under("async", c.Async.Validate())
		c.checkAsync(&ps)
	}
	checkRegion(&ps, "region", c.Region)
	checkURL(&ps, "url", c.URL)
	if c.Connections < 1 {
		ps.Add("connections", "%d leaves no connection; write 1 or more", c.Connections)
	}
	if c.Instances < 1 {
		ps.Add("instances", "%d is no endpoint; write 1 or more", c.Instances)
	}
	if !matches(`ml\.[a-z0-9-]+\.[a-z0-9]+`, c.InstanceType) {
		ps.Add("instance_type", "%q is not an instance type; write for example ml.m5.large", c.InstanceType)
	}
	if c.Probe < 0 {
		ps.Add("probe", "%s is less than 0s; write for example 10s", c.Probe)
	}
	return ps
}

// checkAsync notes what an asynchronous request cannot say.
func (c Config) checkAsync(ps *setting.Problems) {
	for _, other := range []struct {
		key string
		set bool
	}{{"variant", c.Variant != ""}, {"target_model", c.TargetModel != ""}, {"component", c.Component != ""}, {"session", c.Session != ""}, {"stream", c.Stream}} {
		if other.set {
			ps.Add(other.key, "an asynchronous request cannot say it; remove it or async")
		}
	}
}

// Validate notes what is wrong. Empty values that have a default are right.
func (c AWSConfig) Validate() setting.Problems {
	var ps setting.Problems
	checkRegion(&ps, "region", c.Region)
	checkURL(&ps, "endpoint_url", c.EndpointURL)
	if !matches(`arn:aws[a-z-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@/_-]+`, c.Role) {
		ps.Add("role", "%q is not the ARN of a role; write for example arn:aws:iam::123456789012:role/betimes", c.Role)
	}
	if !matches(`[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]`, c.Bucket) {
		ps.Add("bucket", "%q is not the name of a bucket: 3 to 63 lower-case letters, digits, . and -", c.Bucket)
	}
	return ps
}

func checkName(ps *setting.Problems, path, name string) {
	if name != "" && (len(name) > 63 || !matches(`[a-zA-Z0-9](-*[a-zA-Z0-9])*`, name)) {
		ps.Add(path, "%q is not a SageMaker name: at most 63 letters, digits and - between them", name)
	}
}

func checkHeader(ps *setting.Problems, path, value string, most int) {
	if len(value) > most || !matches(`[!-~]*`, value) {
		ps.Add(path, "it is no header: at most %d printable characters, without spaces", most)
	}
}

func checkRegion(ps *setting.Problems, path, region string) {
	if region != "" && !isRegion(region) {
		ps.Add(path, "%q is not a region; write for example eu-west-1", region)
	}
}

func isRegion(text string) bool { return matches(`[a-z]{2,}(-[a-z]+)+-\d+`, text) }

func checkURL(ps *setting.Problems, path, text string) {
	if text == "" {
		return
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" {
		ps.Add(path, "it is not a plain http or https URL; write for example http://127.0.0.1:8070")
	}
}

func matches(pattern, text string) bool {
	return regexp.MustCompile(`^(?:` + pattern + `)$`).MatchString(text)
}
