package admin

import (
	"betimes/internal/listen"
	"betimes/internal/setting"
)

// Config is the admin listener that every role has.
type Config struct {
	Listen       string               `yaml:"listen" doc:"Address of health, metrics, API and page."`
	Tokens       []listen.TokenConfig `yaml:"tokens" doc:"Who may read and change; required beyond loopback."`
	MetricsToken setting.Secret       `yaml:"metrics_token" doc:"Bearer token of /metrics; default: /metrics is open."`
	TLS          *listen.TLSConfig    `yaml:"tls" doc:"Serve over TLS."`
}

// DefaultConfig listens on loopback.
func DefaultConfig() Config { return Config{Listen: "127.0.0.1:8090"} }
