package trail

import "betimes/internal/setting"

// Config bounds the index of where events are.
type Config struct {
	MaxBytes setting.Bytes `yaml:"max_bytes" doc:"Most disk of the index, 24 bytes an id; the oldest go first."`
}

// DefaultConfig keeps some 40 million ids.
func DefaultConfig() Config { return Config{MaxBytes: setting.GiB} }

// Validate notes what is wrong with c.
func (c Config) Validate() setting.Problems {
	var ps setting.Problems
	if c.MaxBytes < setting.MiB {
		ps.Add("max_bytes", "%s holds too few ids to be of use; write at least 1MiB (some 40,000 ids)", c.MaxBytes)
	}
	return ps
}
