package latency

import (
	"time"

	"betimes/internal/setting"
)

// Config is how time is measured.
type Config struct {
	Window time.Duration `yaml:"window" doc:"Span of the newest figures that the page shows and a culprit is looked for in."`
}

// DefaultConfig looks at the last five minutes.
func DefaultConfig() Config { return Config{Window: 5 * time.Minute} }

// Validate notes what is wrong with c.
func (c Config) Validate() setting.Problems {
	var ps setting.Problems
	if c.Window < 10*time.Second || c.Window > History {
		ps.Add("window", "%s is outside of what can be answered; write a span from 10s to %s", c.Window, History)
	}
	return ps
}

// History is how far back a Monitor can answer.
const History = time.Hour
