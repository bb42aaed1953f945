package rest

import (
	"net/url"
	"strings"
	"time"

	"betimes/internal/model/exchange"
	"betimes/internal/setting"
)

// Config is one HTTP model server that answers POST.
type Config struct {
	URL         string                    `yaml:"url" doc:"Exact URL that is posted to, for example http://127.0.0.1:9000/invocations."`
	Template    string                    `yaml:"template" doc:"JSON around the rows of a JSON request: $rows is the list of what events are asked with, $fields the names of flow.feature.fields. For MLflow: {\"dataframe_split\": {\"columns\": $fields, \"data\": $rows}}."`
	Headers     map[string]setting.Secret `yaml:"headers" doc:"Headers of every request, for example Authorization; write file:PATH to read a value from a file."`
	Connections int                       `yaml:"connections" doc:"Most connections to the server. Fewer than the calls at once: calls wait for a connection."`
	Timeout     time.Duration             `yaml:"timeout" doc:"Longest wait for one answer, whatever the deadline. Smaller frees a stuck connection sooner, larger lets slow models answer."`
	CA          string                    `yaml:"ca" doc:"File of the server's certificate authority; default: the system's."`
}

// DefaultConfig allows as many connections as calls.
func DefaultConfig() Config { return Config{Connections: 256, Timeout: time.Minute} }

// Validate notes what is wrong.
func (c Config) Validate() setting.Problems {
	var ps setting.Problems
	c.validateURL(&ps)
	if _, err := newTemplate(c.Template, []string{"a"}); err != nil {
		ps.Add("template", "%s", strings.TrimPrefix(err.Error(), "template: "))
	}
	exchange.CheckHeaders(&ps, c.Headers, deadlineHeader, inferenceHeader)
	if c.Connections < 1 {
		ps.Add("connections", "%d leaves no connection; write 1 or more", c.Connections)
	}
	ps.Positive("timeout", c.Timeout)
	return ps
}

func (c Config) validateURL(ps *setting.Problems) {
	const example = "write for example http://127.0.0.1:9000/invocations"
	u, err := url.Parse(c.URL)
	switch {
	case c.URL == "":
		ps.Add("url", "it is empty; %s", example)
	case err != nil:
		ps.Add("url", "it is not a URL; %s", example)
	case u.User != nil:
		ps.Add("url", "it holds a user or password; put them into headers.Authorization, best as file:PATH")
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		ps.Add("url", "%q is not an http or https URL with a host; %s", c.URL, example)
	case u.Fragment != "":
		ps.Add("url", "%q has a part after #, which no server gets; remove it", c.URL)
	}
}
