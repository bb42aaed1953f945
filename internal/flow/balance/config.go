package balance

import "betimes/internal/setting"

// Config is how endpoints are asked.
type Config struct {
	Retries setting.Ratio `yaml:"retries" doc:"Most calls that are asked again inside an event's deadline after a fault of their endpoint (500, 503, 530, no connection), as a share of all calls of this process. More: a flickering endpoint costs fewer deadlines; less: an endpoint in trouble gets less load. What is not asked again here is waited out, never lost."`
}

// DefaultConfig is a tenth: what a healthy service loses to a rolling change.
func DefaultConfig() Config { return Config{Retries: 0.1} }

// Validate notes what is wrong.
func (c Config) Validate() setting.Problems {
	var ps setting.Problems
	if c.Retries < 0 || c.Retries > 1 {
		ps.Add("retries", "%s is no share of all calls; write 0%% to 100%%", c.Retries)
	}
	return ps
}

// Target is one endpoint of one model.
type Target struct {
	Model, Endpoint, Door string
	Variant               string // that alone is asked; empty: all
	Limit                 int    // most calls at once that there may ever be
}
