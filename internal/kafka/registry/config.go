package registry

import (
	"net/url"
	"time"

	"betimes/internal/setting"
)

// Config is one schema registry.
type Config struct {
	URL      string         `yaml:"url" doc:"The registry's address, for example http://127.0.0.1:8081, or http://127.0.0.1:8080/apis/ccompat/v7 of Apicurio."`
	Username string         `yaml:"username" doc:"User name of HTTP basic authentication; Confluent Cloud: the API key."`
	Password setting.Secret `yaml:"password" doc:"Its password; write file:PATH to read it from a file."`
	Timeout  time.Duration  `yaml:"timeout" doc:"Longest wait for one answer. Events whose schema is not known yet wait with it."`
	CA       string         `yaml:"ca" doc:"File of the registry's certificate authority; default: the system's."`
}

// DefaultConfig gives the registry 5 s.
func DefaultConfig() Config { return Config{Timeout: 5 * time.Second} }

// Validate notes what is wrong.
func (c Config) Validate() setting.Problems {
	const example = "write for example http://127.0.0.1:8081"
	var ps setting.Problems
	u, err := url.Parse(c.URL)
	switch {
	case c.URL == "":
		ps.Add("url", "it is empty; %s", example)
	case err != nil:
		ps.Add("url", "it is not a URL; %s", example)
	case u.User != nil:
		ps.Add("url", "it holds a user or password; put them into username and password, best as file:PATH")
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		ps.Add("url", "%q is not an http or https URL with a host; %s", c.URL, example)
	case u.RawQuery != "" || u.Fragment != "":
		ps.Add("url", "%q has a part after ? or #; end it before", c.URL)
	}
	if (c.Username == "") != c.Password.IsZero() {
		ps.Add("username", "username and password belong together; set both or neither")
	}
	ps.Positive("timeout", c.Timeout)
	return ps
}
