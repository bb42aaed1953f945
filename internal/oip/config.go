package oip

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"betimes/internal/model/exchange"
	"betimes/internal/setting"
)

// Config is one model of one server that speaks the Open Inference Protocol v2.
type Config struct {
	URL         string                    `yaml:"url" doc:"The server's address: http://HOST:8000 or https:// for HTTP, grpc://HOST:8001 or grpcs:// for gRPC. gRPC goes straight to the host, through no proxy."`
	Model       string                    `yaml:"model" doc:"Name of the model on the server. Default: the name under models."`
	Version     string                    `yaml:"version" doc:"Version of the model; empty: the one that the server chooses."`
	Inputs      []InputConfig             `yaml:"inputs" doc:"The model's inputs, where the server does not tell them or tells them wrongly."`
	Outputs     []string                  `yaml:"outputs" doc:"Names of the outputs that are asked for; empty: all."`
	Parameters  map[string]string         `yaml:"parameters" doc:"Parameters of every request, for example content_type: pd for MLServer."`
	Binary      string                    `yaml:"binary" doc:"auto sends tensors as bytes where the server says it takes them (always with gRPC); on and off say so yourself. Bytes cost less and keep every bit."`
	Headers     map[string]setting.Secret `yaml:"headers" doc:"Headers (metadata with gRPC) of every request, for example Authorization; write file:PATH to read a value from a file."`
	Connections int                       `yaml:"connections" doc:"Most calls at once; over HTTP each has a connection, gRPC shares one."`
	Timeout     time.Duration             `yaml:"timeout" doc:"Longest wait for one answer, whatever the deadline. Smaller frees a stuck call sooner, larger lets slow models answer."`
	Probe       time.Duration             `yaml:"probe" doc:"How often the server is asked whether the model is ready. Smaller notices sooner, larger asks less."`
	CA          string                    `yaml:"ca" doc:"File of the server's certificate authority; default: the system's."`
}

// InputConfig is one input of the model.
type InputConfig struct {
	Name     string  `yaml:"name" doc:"Name of the input."`
	Datatype string  `yaml:"datatype" doc:"BOOL, UINT8 to UINT64, INT8 to INT64, FP16, BF16, FP32, FP64 or BYTES."`
	Shape    []int64 `yaml:"shape" doc:"Its shape; -1 is a dimension of any length, at the beginning it is the batch: [-1, 4] takes 4 numbers per event."`
}

// The values of binary.
const (
	binaryAuto = "auto"
	binaryOn   = "on"
	binaryOff  = "off"
)

// DefaultConfig allows as many connections as calls.
func DefaultConfig() Config {
	return Config{Binary: binaryAuto, Connections: 256, Timeout: time.Minute, Probe: 10 * time.Second}
}

// Validate notes what is wrong.
func (c Config) Validate() setting.Problems {
	var ps setting.Problems
	c.validateURL(&ps)
	if c.Model == "" {
		ps.Add("model", "it is empty; write the name that the server knows the model by")
	}
	for path, name := range map[string]string{"model": c.Model, "version": c.Version} {
		if strings.ContainsAny(name, "/?#%\x00\r\n") {
			ps.Add(path, "%q has a character that a URL gives a meaning of its own; rename it on the server", name)
		}
	}
	for i, input := range c.Inputs {
		input.validate(&ps, fmt.Sprintf("inputs[%d].", i))
	}
	for i, name := range c.Outputs {
		if name == "" || slices.Contains(c.Outputs[:i], name) {
			ps.Add(fmt.Sprintf("outputs[%d]", i), "%q is empty or there twice; write each name once", name)
		}
	}
	ps.OneOf("binary", c.Binary, binaryAuto, binaryOn, binaryOff)
	exchange.CheckHeaders(&ps, c.Headers, deadlineHeader, binaryHeader)
	if c.Connections < 1 {
		ps.Add("connections", "%d leaves no call; write 1 or more", c.Connections)
	}
	ps.Positive("timeout", c.Timeout)
	ps.Positive("probe", c.Probe)
	return ps
}

func (c Config) validateURL(ps *setting.Problems) {
	const example = "write for example http://127.0.0.1:8000 or grpc://127.0.0.1:8001"
	u, err := url.Parse(c.URL)
	switch {
	case c.URL == "":
		ps.Add("url", "it is empty; %s", example)
	case err != nil:
		ps.Add("url", "it is not a URL; %s", example)
	case u.User != nil:
		ps.Add("url", "it holds a user or password; put them into headers.Authorization, best as file:PATH")
	case !slices.Contains([]string{"http", "https", "grpc", "grpcs"}, u.Scheme), u.Hostname() == "":
		ps.Add("url", "%q is not an http, https, grpc or grpcs URL with a host; %s", c.URL, example)
	case u.RawQuery != "" || u.Fragment != "":
		ps.Add("url", "%q has a part after ? or #; end it before", c.URL)
	case c.grpc() && strings.Trim(u.Path, "/") != "":
		ps.Add("url", "%q has a path, which gRPC does not; write host and port only", c.URL)
	case strings.Contains(u.Path+"/", "/v2/"):
		ps.Add("url", "%q has the protocol's own path; end it before /v2, betimes adds /v2/models/…", c.URL)
	case c.grpc() && u.Port() == "":
		ps.Add("url", "%q has no port; add it, for example :8001", c.URL)
	}
}

// CheckContentType refuses a media type of requests that no tensors are made of.
func CheckContentType(media string) error {
	_, err := formOf(media)
	return err
}

// grpc says whether the server is asked over gRPC.
func (c Config) grpc() bool { return strings.HasPrefix(c.URL, "grpc") }

// Plain says whether requests cross the network readable.
func (c Config) Plain() bool {
	return strings.HasPrefix(c.URL, "http:") || strings.HasPrefix(c.URL, "grpc:")
}

func (i InputConfig) validate(ps *setting.Problems, path string) {
	if i.Name == "" {
		ps.Add(path+"name", "it is empty; write the name that the model has for it")
	}
	if _, err := datatypeOf(i.Datatype); err != nil {
		ps.Add(path+"datatype", "%s; use for example FP32, INT64 or BYTES", err)
	}
	if len(i.Shape) == 0 || len(i.Shape) > maxRank {
		ps.Add(path+"shape", "it has %d dimensions; write for example [-1, 4]", len(i.Shape))
	}
	for n, d := range i.Shape {
		if d < -1 || d == 0 {
			ps.Add(path+"shape["+strconv.Itoa(n)+"]", "%d is no length; write 1 or more, or -1 for any", d)
		}
	}
}
