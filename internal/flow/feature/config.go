package feature

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
