package batch

import "betimes/internal/setting"

// Config is how many events share a call.
type Config struct {
	MaxEvents int           `yaml:"max_events" doc:"Most events of one call. How many share one is learned: those that wait while all calls are under way that are worth while, as far as all can be in time. More: an endpoint that is overrun does more at once, and a broken event costs more calls to find; 1: every event goes alone."`
	MaxBytes  setting.Bytes `yaml:"max_bytes" doc:"Most bytes of one call with several events."`
}

// hardBytes is what a real-time endpoint of SageMaker takes.
const hardBytes = 25 * setting.MiB

// DefaultConfig lets busy endpoints take many.
func DefaultConfig() Config { return Config{MaxEvents: 64, MaxBytes: 4 * setting.MiB} }

// Validate notes what is wrong.
func (c Config) Validate() setting.Problems {
	var ps setting.Problems
	if c.MaxEvents < 1 {
		ps.Add("max_events", "%d is less than 1; write 1 to ask about every event alone", c.MaxEvents)
	}
	if c.MaxBytes < 1 || c.MaxBytes > hardBytes {
		ps.Add("max_bytes", "%s is not between 1 and %s, the most that an endpoint takes", c.MaxBytes, hardBytes)
	}
	return ps
}
