package emulator

import (
	"maps"
	"slices"
	"strings"

	"betimes/internal/setting"
)

// Config is the SageMaker on this machine.
type Config struct {
	Listen                   string         `yaml:"listen" doc:"Address of all its AWS services."`
	Profile                  string         `yaml:"profile" doc:"How long things take: instant (no time), fast (seconds; the waits of a deployment are a sixtieth) or realistic (as AWS: minutes)."`
	Quotas                   map[string]int `yaml:"quotas" doc:"Most instances per type and use, as AWS names its quotas, for example \"ml.c5.xlarge for endpoint usage\" or \"ml.c5.xlarge for training job usage\"; what is not named has no limit."`
	TimeScale                int            `yaml:"time_scale" doc:"How many times faster than its profile: 10 makes the minutes of realistic tens of seconds. What a client itself waits for, such as a model's answer, stays as it is."`
	Subscribers              string         `yaml:"subscribers" doc:"Where HTTP subscribers of topics may be: loopback (this machine) or any."`
	StrictAsyncContentLength bool           `yaml:"strict_async_content_length" doc:"Whether a container's answer to an asynchronous request must say its Content-Length, as on AWS; without it the request fails."`

	Engine string `yaml:"engine" doc:"Command line of the container engine that runs images of a registry which it has: docker, podman or a path; off: none. Nothing is pulled."`

	Seed int64  `yaml:"seed" doc:"Repeats what is left to chance: the same requests in the same order are routed, hit by faults and answered after the same service times, as the journal states them (scripted_us). 0: another one at each start, which /_emu/state tells."`
	Auth string `yaml:"auth" doc:"parse (read signatures, do not check them) or verify: each request must be signed with one of keys."`

	Keys   map[string]setting.Secret `yaml:"keys" doc:"For verify: access keys, each with its secret; one of 12 digits acts in the account of that number, others in 000000000000; write file:PATH to read a secret from a file. Under up, betimes signs with what the environment has, else with the key betimes and the secret betimes."`
	Tokens map[string]setting.Secret `yaml:"tokens" doc:"For verify: the session token that goes with an access key, where it has one."`

	Assumed Assumed `yaml:"assumed" doc:"What AWS does not state, each with our assumption."`
}

// DefaultConfig is the fast profile on loopback.
func DefaultConfig() Config {
	return Config{Listen: "127.0.0.1:8070", Profile: "fast", TimeScale: 1, Subscribers: "loopback", Engine: "docker", StrictAsyncContentLength: true, Auth: "parse", Assumed: defaultAssumed()}
}

// Validate says what is wrong with c.
func (c Config) Validate() setting.Problems {
	var ps setting.Problems
	ps.Address("listen", c.Listen)
	ps.OneOf("profile", c.Profile, "instant", "fast", "realistic")
	if c.TimeScale < 1 {
		ps.Add("time_scale", "%d is less than 1; use 1 for the profile as it is", c.TimeScale)
	}
	ps.Under("assumed", c.Assumed.Validate())
	ps.OneOf("subscribers", c.Subscribers, "loopback", "any")
	for _, name := range slices.Sorted(maps.Keys(c.Quotas)) {
		use, ok := strings.CutSuffix(name, " usage")
		if !ok || !strings.HasSuffix(use, " for endpoint") && !strings.HasSuffix(use, " for training job") {
			ps.Add("quotas", `%q is no quota; write "ml.c5.xlarge for endpoint usage" or "… for training job usage"`, name)
		}
		if c.Quotas[name] < 0 {
			ps.Add("quotas", "%q is %d; use 0 or more", name, c.Quotas[name])
		}
	}
	if c.Seed < 0 {
		ps.Add("seed", "%d is less than 0; use 0 or more", c.Seed)
	}
	if c.Engine == "" {
		ps.Add("engine", "no name; write docker, podman or a path, or off for none")
	}
	ps.OneOf("auth", c.Auth, "parse", verify)
	ps = append(ps, c.checkKeys()...)
	return ps
}

// noEngine is the setting of engine for none.
const noEngine = "off"

// verify is the setting of auth that checks signatures.
const verify = "verify"

func (c Config) checkKeys() setting.Problems {
	var ps setting.Problems
	if c.Auth == verify && len(c.Keys) == 0 {
		ps.Add("keys", "auth: verify needs access keys; write keys: {ACCESS_KEY: SECRET}, or auth: parse")
	}
	if c.Auth != verify && len(c.Keys)+len(c.Tokens) > 0 {
		ps.Add("keys", "keys and tokens are for auth: verify; set that, or leave them out")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Keys)) {
		if c.Keys[name].IsZero() || name == "" || strings.ContainsAny(name, "/,= ") {
			ps.Add("keys", "%q is no access key with a secret; write keys: {ACCESS_KEY: SECRET}", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Tokens)) {
		if _, known := c.Keys[name]; !known {
			ps.Add("tokens", "%q is not in keys; add it there, or remove its token", name)
		}
	}
	return ps
}
