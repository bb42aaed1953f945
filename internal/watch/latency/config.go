package latency

import "time"

// Config is how time is measured.
type Config struct {
	Window time.Duration `yaml:"window" doc:"Span of the newest figures that the page shows and a culprit is looked for in."`
}

// DefaultConfig looks at the last five minutes.
func DefaultConfig() Config { return Config{Window: 5 * time.Minute} }
