package trail

import "betimes/internal/setting"

// Config bounds the index of where events are.
type Config struct {
	MaxBytes setting.Bytes `yaml:"max_bytes" doc:"Most disk of the index, 24 bytes an id; the oldest go first."`
}

// DefaultConfig keeps some 44 million ids.
func DefaultConfig() Config { return Config{MaxBytes: setting.GiB} }
