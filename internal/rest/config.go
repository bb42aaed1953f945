package rest

import "betimes/internal/setting"

// Config is one HTTP model server that answers POST.
type Config struct {
	URL         string                    `yaml:"url" doc:"Exact URL that is posted to, for example http://127.0.0.1:9000/invocations."`
	Headers     map[string]setting.Secret `yaml:"headers" doc:"Headers of every request, for example Authorization; write file:PATH to read a value from a file."`
	Connections int                       `yaml:"connections" doc:"Most connections to the server. Fewer than the calls at once: calls wait for a connection."`
	CA          string                    `yaml:"ca" doc:"File of the server's certificate authority; default: the system's."`
}

// DefaultConfig allows as many connections as calls.
func DefaultConfig() Config { return Config{Connections: 256} }
