package admin

import (
	"fmt"

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

// Validate notes what is wrong with c.
func (c Config) Validate() setting.Problems {
	var ps setting.Problems
	ps.Address("listen", c.Listen)
	if len(ps) == 0 && !listen.IsLoopback(c.Listen) && len(c.Tokens) == 0 {
		ps.Add("tokens", "none is set, but %s can be reached from other machines; add {name: ops, role: admin, token: file:PATH}, or listen on 127.0.0.1", c.Listen)
	}
	for i, t := range c.Tokens {
		path := fmt.Sprintf("tokens[%d]", i)
		ps.OneOf(path+".role", t.Role, listen.RoleRead, listen.RoleAdmin)
		if t.Name == "" {
			ps.Add(path+".name", "is empty; name who uses it, for the audit log")
		}
		if t.Token.IsZero() {
			ps.Add(path+".token", "is empty; write file:PATH, or ${VARIABLE}")
		}
	}
	if c.TLS != nil && (c.TLS.Cert == "" || c.TLS.Key == "") {
		ps.Add("tls", "needs both cert and key; name the two files")
	}
	return ps
}
