package admin

import (
	"betimes/internal/listen"
	"betimes/internal/setting"
)

// Config is the admin listener that every role has.
type Config struct {
	Listen       string               `yaml:"listen" doc:"Address of health, metrics, API and page."`
	Tokens       []listen.TokenConfig `yaml:"tokens" doc:"Who may read and change; required beyond loopback."`
	MetricsToken setting.Secret       `yaml:"metrics_token" doc:"Bearer token of /metrics, here and at the gateway, which also takes its own tokens; default: /metrics is open here."`
	TLS          *listen.TLSConfig    `yaml:"tls" doc:"Serve over TLS."`
}

// DefaultConfig listens on loopback.
func DefaultConfig() Config { return Config{Listen: "127.0.0.1:8090"} }

// Validate notes what is wrong with c.
func (c Config) Validate() setting.Problems {
	var ps setting.Problems
	ps.Address("listen", c.Listen)
	if len(ps) == 0 && !listen.IsLoopback(c.Listen) && len(c.Tokens) == 0 {
		ps.Add("tokens", "none is set, but %s can be reached from other machines; add {name: ops, role: admin, token: file:PATH}, or listen on 127.0.0.1", c.Listen)
	}
	listen.ValidateTokens(&ps, "tokens", c.Tokens)
	if !c.MetricsToken.IsZero() {
		if value, err := c.MetricsToken.Value(); err != nil {
			ps.Add("metrics_token", "%s; write the token itself or file:PATH", err)
		} else if value == "" {
			ps.Add("metrics_token", "the token is empty; write one, or remove metrics_token")
		}
	}
	c.TLS.Validate(&ps, "tls")
	return ps
}
