package listen

import (
	"fmt"

	"betimes/internal/setting"
)

// TLSConfig holds the files of a server's TLS; they are read again when they change.
type TLSConfig struct {
	Cert     string `yaml:"cert" doc:"File of the server's certificate."`
	Key      string `yaml:"key" doc:"File of the server's key."`
	ClientCA string `yaml:"client_ca" doc:"File of the authority of client certificates; when set, clients must show one."`
}

// TokenConfig lets one caller in.
type TokenConfig struct {
	Name  string         `yaml:"name" doc:"Who it is, for the audit log."`
	Role  string         `yaml:"role" doc:"read or admin; empty is read."`
	Token setting.Secret `yaml:"token" doc:"The bearer token; write file:PATH to read it from a file."`
}

// The roles of a token. Admin may do all that Read may.
const (
	RoleRead  = "read"
	RoleAdmin = "admin"
)

// Validate notes what is wrong with the TLS settings at path; nil is none.
func (c *TLSConfig) Validate(ps *setting.Problems, path string) {
	if c == nil {
		return
	}
	if c.Cert == "" || c.Key == "" {
		ps.Add(path, "TLS needs both cert and key; write the paths of both files, or remove %s", path)
		return
	}
	if _, err := c.server(); err != nil {
		ps.Add(path, "%s; write the path of a file in PEM form", err)
	}
}

// ValidateTokens notes what is wrong with the tokens at path. Secrets are read,
// never shown.
func ValidateTokens(ps *setting.Problems, path string, tokens []TokenConfig) {
	names := map[string]bool{}
	for i, t := range tokens {
		at := fmt.Sprintf("%s[%d]", path, i)
		if t.Name == "" || names[t.Name] {
			ps.Add(at+".name", "%q is empty or used twice; give every token a name of its own", t.Name)
		}
		names[t.Name] = true
		if t.Role != "" { // as read
			ps.OneOf(at+".role", t.Role, RoleRead, RoleAdmin)
		}
		if value, err := t.Token.Value(); err != nil {
			ps.Add(at+".token", "%s; write the token itself or file:PATH", err)
		} else if value == "" {
			ps.Add(at+".token", "the token is empty; write one, or file:PATH of a file that holds one")
		}
	}
}
