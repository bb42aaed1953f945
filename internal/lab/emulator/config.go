package emulator

import "betimes/internal/setting"

// Config is the SageMaker on this machine.
type Config struct {
	Listen  string `yaml:"listen" doc:"Address of all its AWS services."`
	Profile string `yaml:"profile" doc:"How long things take: instant (no time), fast (seconds) or realistic (as AWS: minutes)."`
	Auth    string `yaml:"auth" doc:"parse (read signatures, do not check them) or verify."`
}

// DefaultConfig is the fast profile on loopback.
func DefaultConfig() Config {
	return Config{Listen: "127.0.0.1:8070", Profile: "fast", Auth: "parse"}
}

// Validate says what is wrong with c.
func (c Config) Validate() setting.Problems {
	var ps setting.Problems
	ps.Address("listen", c.Listen)
	ps.OneOf("profile", c.Profile, "instant", "fast", "realistic")
	if c.Auth == "verify" {
		ps.Add("auth", `"verify" is not built yet; use parse`)
	} else {
		ps.OneOf("auth", c.Auth, "parse")
	}
	return ps
}
