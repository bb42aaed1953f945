package feature

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"betimes/internal/setting"
)

// Config is how an event becomes the request for one event. Without fields and
// request the payload itself is the request.
type Config struct {
	Fields  []string `yaml:"fields" doc:"Names of the event's fields that make the feature vector, in order."`
	Request string   `yaml:"request" doc:"Expression whose value is the request for one event, instead of fields."`
}

// RouteConfig sends events to a model. The first entry that matches wins.
type RouteConfig struct {
	When  string `yaml:"when" doc:"Expression over the event; empty: always."`
	Model string `yaml:"model" doc:"Name of the model under models."`
}

// DefaultConfig sends the payload as it is.
func DefaultConfig() Config { return Config{} }

// Validate finds what is wrong with the mapping by itself; how it fits the
// topic's format and the model is found by New.
func (c Config) Validate() setting.Problems {
	var ps setting.Problems
	if len(c.Fields) > 0 && c.Request != "" {
		ps.Add("request", "is set beside fields; keep one of them")
	}
	for i, field := range c.Fields {
		switch {
		case field == "":
			ps.Add(fmt.Sprintf("fields.%d", i), "is empty; write the name of a field of the event")
		case slices.Contains(c.Fields[:i], field):
			ps.Add(fmt.Sprintf("fields.%d", i), "%q occurs twice; remove one", field)
		}
	}
	if c.Request != "" {
		checkExpression(&ps, "request", c.Request, Any)
	}
	return ps
}

// ValidateRoutes finds what is wrong with flow.route; models are the names
// under models.
func ValidateRoutes(routes []RouteConfig, models []string) setting.Problems {
	var ps setting.Problems
	for i, r := range routes {
		path := strconv.Itoa(i)
		if !slices.Contains(models, r.Model) {
			ps.Add(path+".model", "%q is not under models; use one of %s", r.Model, strings.Join(models, ", "))
		}
		if r.When == "" {
			if i < len(routes)-1 {
				ps.Add(path+".when", "is empty, so the entries after it are never reached; move it to the end")
			}
			continue
		}
		checkExpression(&ps, path+".when", r.When, Bool)
	}
	return ps
}

func checkExpression(ps *setting.Problems, path, src string, as Kind) {
	if _, err := Compile(src, as); err != nil {
		ps.Add(path, "%s", err)
	}
}
