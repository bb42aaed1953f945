package sagemaker

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func yes() *bool { b := true; return &b }

func TestWhereCallsGo(t *testing.T) {
	const local = "http://127.0.0.1:8070"
	for _, tt := range []struct {
		name                      string
		config                    Config
		aws                       AWSConfig
		env                       map[string]string
		runtime, control, objects string
	}{
		{name: "AWS itself", config: Config{Region: "eu-west-1"},
			runtime: "https://runtime.sagemaker.eu-west-1.amazonaws.com", control: "https://api.sagemaker.eu-west-1.amazonaws.com", objects: "https://s3.eu-west-1.amazonaws.com"},
		{name: "China", config: Config{Region: "cn-north-1"},
			runtime: "https://runtime.sagemaker.cn-north-1.amazonaws.com.cn", control: "https://api.sagemaker.cn-north-1.amazonaws.com.cn", objects: "https://s3.cn-north-1.amazonaws.com.cn"},
		{name: "an emulator elsewhere, by the model's url", config: Config{URL: local + "/"}, runtime: local, control: local, objects: local},
		{name: "an emulator elsewhere, by aws.endpoint_url", aws: AWSConfig{EndpointURL: local}, runtime: local, control: local, objects: local},
		{name: "an emulator elsewhere, by the environment", env: map[string]string{"AWS_ENDPOINT_URL": local}, runtime: local, control: local, objects: local},
		{name: "the emulator in this process", config: Config{Embedded: yes()}, env: map[string]string{"AWS_ENDPOINT_URL": "http://elsewhere"}, runtime: "http://here", control: "http://here", objects: "http://here"},
		{name: "the service's variable before the common one", config: Config{Region: "eu-west-1"},
			env:     map[string]string{"AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": "http://r", "AWS_ENDPOINT_URL_S3": "http://o", "AWS_ENDPOINT_URL": "http://all"},
			runtime: "http://r", control: "http://all", objects: "http://o"},
		{name: "both from the environment, as config hands it over", config: Config{Region: "eu-west-1"}, aws: AWSConfig{EndpointURL: "http://all"},
			env:     map[string]string{"AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": "http://r", "AWS_ENDPOINT_URL": "http://all"},
			runtime: "http://r", control: "http://all", objects: "http://all"},
		{name: "the file before the environment", aws: AWSConfig{EndpointURL: local}, env: map[string]string{"AWS_ENDPOINT_URL_SAGEMAKER": "http://env"}, runtime: local, control: local, objects: local},
		{name: "a VPC endpoint of the runtime", config: Config{Region: "eu-west-1", URL: "https://vpce-1.runtime.sagemaker.eu-west-1.vpce.amazonaws.com"},
			runtime: "https://vpce-1.runtime.sagemaker.eu-west-1.vpce.amazonaws.com", control: "https://api.sagemaker.eu-west-1.amazonaws.com", objects: "https://s3.eu-west-1.amazonaws.com"},
		{name: "a VPC endpoint that alone says where", config: Config{URL: "https://vpce-1-us-west-2a.runtime.sagemaker.us-west-2.vpce.amazonaws.com"},
			runtime: "https://vpce-1-us-west-2a.runtime.sagemaker.us-west-2.vpce.amazonaws.com", control: "https://api.sagemaker.us-west-2.amazonaws.com", objects: "https://s3.us-west-2.amazonaws.com"},
		{name: "the European cloud", config: Config{Region: "eusc-de-east-1"},
			runtime: "https://runtime.sagemaker.eusc-de-east-1.amazonaws.eu", control: "https://api.sagemaker.eusc-de-east-1.amazonaws.eu", objects: "https://s3.eusc-de-east-1.amazonaws.eu"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := accountIn(t, tt.aws, tt.env)
			a.deps.Emulator = "http://here"
			for _, want := range []struct {
				api
				url string
			}{{runtimeAPI(), tt.runtime}, {controlAPI(), tt.control}, {objectsAPI(), tt.objects}} {
				s, err := a.service(want.api, tt.config, 1, time.Second)
				if err != nil || s.base.String() != want.url {
					t.Errorf("%s: got %v, %v; want %s", want.host, s.base, err, want.url)
				}
			}
		})
	}
}

func TestAnURLThatIsNoneIsNamed(t *testing.T) {
	_, err := accountIn(t, AWSConfig{}, map[string]string{"AWS_ENDPOINT_URL": "localhost"}).Endpoint(fraud())
	if err == nil || !strings.Contains(err.Error(), `"localhost" is not a URL`) {
		t.Errorf("got %v", err)
	}
}

func TestAURLInAnotherRegionIsRefused(t *testing.T) {
	for name, host := range map[string]string{
		"a VPC endpoint": "vpce-1.runtime.sagemaker.us-west-2.vpce.amazonaws.com", "AWS itself": "runtime.sagemaker.us-west-2.amazonaws.com",
		"FIPS": "runtime-fips.sagemaker.us-west-2.amazonaws.com", "both kinds of addresses": "runtime.sagemaker.us-west-2.api.aws",
	} {
		t.Run(name, func(t *testing.T) {
			a := accountIn(t, AWSConfig{Region: "eu-west-1"}, nil)
			_, err := a.Endpoint(Config{Endpoint: "fraud", Connections: 1, URL: "https://" + host})
			if err == nil || err.Error() != host+" is in us-west-2, and requests would be signed for eu-west-1; set region to us-west-2, or the URL to one in eu-west-1" {
				t.Errorf("got %v", err)
			}
			if _, err := a.Endpoint(Config{Endpoint: "fraud", Connections: 1, URL: "https://" + host, Region: "us-west-2"}); err != nil {
				t.Errorf("with the right region: %v", err)
			}
		})
	}
}

func TestTheEmulatorGetsNoRealKey(t *testing.T) {
	alone(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDREAL")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	a, err := NewAccount(t.Context(), AWSConfig{}, Deps{Emulator: "http://here"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		config Config
		real   bool
	}{
		{"the emulator in this process", Config{Embedded: yes()}, false},
		{"an emulator elsewhere, a key in the environment", Config{URL: "http://127.0.0.1:1"}, true},
		{"AWS", Config{Region: "eu-west-1"}, true},
	} {
		s, err := a.service(runtimeAPI(), tt.config, 1, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if real := s.keys != nil; real != tt.real {
			t.Errorf("%s: real key %v", tt.name, real)
		}
	}
	if c, err := a.credentials.get(t.Context()); err != nil || c.AccessKey != "AKIDREAL" {
		t.Errorf("got %v, %v", c.AccessKey, err)
	}
}

func TestAMissingProfileMattersOnlyToAWS(t *testing.T) {
	alone(t)
	c := AWSConfig{Profile: "no-such-profile"}
	if _, err := NewAccount(t.Context(), c, Deps{}); err == nil || !strings.Contains(err.Error(), "no-such-profile") {
		t.Errorf("got %v", err)
	}
	a, err := NewAccount(t.Context(), c, Deps{Emulator: "http://here"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.credentials.get(t.Context()); err == nil || !strings.Contains(err.Error(), "no-such-profile") {
		t.Errorf("got %v", err)
	}
}

func TestValidateNamesPathValueAndRemedy(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(*Config)
		want string
	}{
		{"a name", func(c *Config) { c.Endpoint = "a_b" }, `endpoint: "a_b" is not a SageMaker name`},
		{"a long name", func(c *Config) { c.Endpoint = strings.Repeat("a", 64) }, "at most 63"},
		{"a variant", func(c *Config) { c.Variant = "-" }, `variant: "-"`},
		{"a region", func(c *Config) { c.Region = "Europe" }, `region: "Europe" is not a region`},
		{"a URL", func(c *Config) { c.URL = "localhost:8070" }, "url: it is not a plain http or https URL"},
		{"connections", func(c *Config) { c.Connections = 0 }, "connections: 0"},
		{"instances", func(c *Config) { c.Instances = -1 }, "instances: -1"},
		{"an instance type", func(c *Config) { c.InstanceType = "m5.large" }, `instance_type: "m5.large"`},
		{"a probe", func(c *Config) { c.Probe = -1 }, "probe: -1ns is less than 0s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := fraud()
			if ps := c.Validate(); len(ps) != 0 {
				t.Fatalf("the default: %v", ps)
			}
			tt.edit(&c)
			if ps := c.Validate(); len(ps) != 1 || !strings.Contains(ps[0].Error(), tt.want) {
				t.Errorf("got %v, want %q", ps, tt.want)
			}
		})
	}
	if ps := DefaultAWSConfig().Validate(); len(ps) != 0 {
		t.Errorf("the default: %v", ps)
	}
	bad := AWSConfig{Region: "x", EndpointURL: "x", Role: "x", Bucket: "X"}
	if ps := bad.Validate(); len(ps) != 4 {
		t.Errorf("got %v", ps)
	}
}

func TestACertificateBundleOfTheEnvironmentIsRead(t *testing.T) {
	alone(t)
	file := filepath.Join(t.TempDir(), "ca.pem")
	env := func(string) (string, bool) { return file, true }
	if _, err := NewAccount(t.Context(), AWSConfig{}, Deps{Env: env}); err == nil || !strings.Contains(err.Error(), "AWS_CA_BUNDLE") || !strings.Contains(err.Error(), file) {
		t.Errorf("without the file: %v", err)
	}
	if err := os.WriteFile(file, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewAccount(t.Context(), AWSConfig{}, Deps{Env: env}); err == nil || !strings.Contains(err.Error(), "holds no PEM certificate") {
		t.Errorf("without a certificate: %v", err)
	}
}
