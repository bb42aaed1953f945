package gateway

import (
	"time"

	"betimes/internal/listen"
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
