package listen

import "betimes/internal/setting"

// TLSConfig holds the files of a server's TLS; they are read again when they change.
type TLSConfig struct {
	Cert     string `yaml:"cert" doc:"File of the server's certificate."`
	Key      string `yaml:"key" doc:"File of the server's key."`
	ClientCA string `yaml:"client_ca" doc:"File of the authority of client certificates; when set, clients must show one."`
}

// TokenConfig lets one caller in.
type TokenConfig struct {
	Name  string         `yaml:"name" doc:"Who it is, for the audit log."`
	Role  string         `yaml:"role" doc:"read or admin."`
	Token setting.Secret `yaml:"token" doc:"The bearer token; write file:PATH to read it from a file."`
}

// The roles of a token. Admin may do all that Read may.
const (
	RoleRead  = "read"
	RoleAdmin = "admin"
)
