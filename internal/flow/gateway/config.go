package gateway

import (
	"time"

	"betimes/internal/listen"
	"betimes/internal/pointer"
	"betimes/internal/setting"
)

// Config is how events come in over HTTP.
type Config struct {
	Listen      string               `yaml:"listen" doc:"Address for POST /v1/events."`
	Key         string               `yaml:"key" doc:"JSON pointer to the key within an event; order is kept per key. Empty: the client sends X-Key, or an event is its own key."`
	ID          string               `yaml:"id" doc:"JSON pointer to the event's id. A client's Idempotency-Key or ce-id comes first; without any the gateway makes one."`
	EventTime   string               `yaml:"event_time" doc:"JSON pointer to the event's own time: RFC 3339, or Unix seconds, milliseconds or microseconds."`
	MaxBytes    setting.Bytes        `yaml:"max_bytes" doc:"Largest single event."`
	MaxBody     setting.Bytes        `yaml:"max_body" doc:"Largest body of many events (NDJSON, CSV, batched)."`
	Tokens      []listen.TokenConfig `yaml:"tokens" doc:"Bearer tokens that may send; required beyond loopback unless auth is external."`
	Auth        string               `yaml:"auth" doc:"tokens, or external: a proxy in front does it."`
	TLS         *listen.TLSConfig    `yaml:"tls" doc:"Serve over TLS."`
	Idempotency IdempotencyConfig    `yaml:"idempotency" doc:"How long a repeated id gets the same answer."`
	Rate        float64              `yaml:"rate" doc:"Most events a second; more get 429. 0: no limit."`
	AckTimeout  time.Duration        `yaml:"ack_timeout" doc:"Longest wait for the broker's acknowledgement before 503."`
	MaxInFlight setting.Bytes        `yaml:"max_in_flight" doc:"Most bytes of accepted bodies not yet acknowledged; more get 503."`
}

// IdempotencyConfig bounds the memory of ids.
type IdempotencyConfig struct {
	Window time.Duration `yaml:"window" doc:"How long an id is remembered. Longer: more memory; shorter: a late retry is a second event."`
	Max    int           `yaml:"max" doc:"Most ids remembered; the oldest go first."`
}

// DefaultConfig suits JSON events on one machine.
func DefaultConfig() Config {
	return Config{
		Listen: "127.0.0.1:8080", MaxBytes: setting.MiB, MaxBody: 32 * setting.MiB, Auth: "tokens",
		Idempotency: IdempotencyConfig{Window: 10 * time.Minute, Max: 1_000_000},
		AckTimeout:  10 * time.Second, MaxInFlight: 64 * setting.MiB,
	}
}

// Validate says what is wrong with the settings.
func (c Config) Validate() setting.Problems {
	var ps setting.Problems
	ps.Address("listen", c.Listen)
	reachable := len(ps) == 0 && !listen.IsLoopback(c.Listen)
	for _, p := range []struct{ path, text string }{{"key", c.Key}, {"id", c.ID}, {"event_time", c.EventTime}} {
		if _, err := pointer.Parse(p.text); err != nil {
			ps.Add(p.path, "%s", err)
		}
	}
	c.sizes(&ps)
	ps.Positive("ack_timeout", c.AckTimeout)
	ps.Positive("idempotency.window", c.Idempotency.Window)
	if c.Idempotency.Max < 1 {
		ps.Add("idempotency.max", "%d is less than 1; write for example 1000000", c.Idempotency.Max)
	}
	if c.Rate < 0 || c.Rate != c.Rate {
		ps.Add("rate", "%g is less than 0; write events a second, or 0 for no limit", c.Rate)
	}
	c.access(&ps, reachable)
	return ps
}

// sizes checks that one event fits into a body and a body into what may be under way.
func (c Config) sizes(ps *setting.Problems) {
	if c.MaxBytes < 1 || c.MaxBytes > setting.GiB {
		ps.Add("max_bytes", "%s is not from 1 to 1GiB; write for example 1MiB", c.MaxBytes)
	}
	if c.MaxBody < c.MaxBytes || c.MaxBody > setting.GiB {
		ps.Add("max_body", "%s is not from the %s of max_bytes to 1GiB; write for example 32MiB", c.MaxBody, c.MaxBytes)
	}
	if c.MaxInFlight < c.MaxBody {
		ps.Add("max_in_flight", "%s is less than the %s of max_body, which could then never be taken; raise it or lower max_body", c.MaxInFlight, c.MaxBody)
	}
}

// access checks tokens and TLS; reachable means from other machines.
func (c Config) access(ps *setting.Problems, reachable bool) {
	ps.OneOf("auth", c.Auth, "tokens", "external")
	if c.Auth == "external" && len(c.Tokens) > 0 {
		ps.Add("tokens", "tokens are never asked for while auth is external; remove them or set auth: tokens")
	}
	if c.Auth != "external" && len(c.Tokens) == 0 && reachable {
		ps.Add("tokens", "none, but %s can be reached from other machines; add one, or set auth: external when a proxy checks callers", c.Listen)
	}
	listen.ValidateTokens(ps, "tokens", c.Tokens)
	c.TLS.Validate(ps, "tls")
}
