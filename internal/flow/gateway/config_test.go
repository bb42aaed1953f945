package gateway

import (
	"strings"
	"testing"
	"time"

	"betimes/internal/listen"
	"betimes/internal/setting"
)

func TestTheDefaultsAreValid(t *testing.T) {
	if ps := DefaultConfig().Validate(); len(ps) > 0 {
		t.Error(ps)
	}
}

func TestWrongSettingsAreNamedWithTheirRemedy(t *testing.T) {
	token := listen.TokenConfig{Name: "a", Token: setting.NewSecret("x")}
	for name, c := range map[string]struct {
		change     func(*Config)
		path, text string
	}{
		"an address without port":       {func(c *Config) { c.Listen = "localhost" }, "listen", "127.0.0.1:8080"},
		"a pointer without slash":       {func(c *Config) { c.Key = "card_token" }, "key", "write /card_token"},
		"a bad id pointer":              {func(c *Config) { c.ID = "/a~2" }, "id", "~0"},
		"a bad time pointer":            {func(c *Config) { c.EventTime = "t" }, "event_time", "write /t"},
		"no room for an event":          {func(c *Config) { c.MaxBytes = 0 }, "max_bytes", "1MiB"},
		"a body less than an event":     {func(c *Config) { c.MaxBody = setting.KiB }, "max_body", "1MiB of max_bytes"},
		"in flight less than a body":    {func(c *Config) { c.MaxInFlight = setting.MiB }, "max_in_flight", "32MiB of max_body"},
		"no ack timeout":                {func(c *Config) { c.AckTimeout = 0 }, "ack_timeout", "0s"},
		"a window below zero":           {func(c *Config) { c.Idempotency.Window = -time.Second }, "idempotency.window", "-1s"},
		"no ids":                        {func(c *Config) { c.Idempotency.Max = 0 }, "idempotency.max", "1000000"},
		"a rate below zero":             {func(c *Config) { c.Rate = -1 }, "rate", "no limit"},
		"an unknown auth":               {func(c *Config) { c.Auth = "none" }, "auth", "external"},
		"tokens nobody asks for":        {func(c *Config) { c.Auth, c.Tokens = "external", []listen.TokenConfig{token} }, "tokens", "auth: tokens"},
		"open to others without tokens": {func(c *Config) { c.Listen = "0.0.0.0:8080" }, "tokens", "auth: external"},
		"a token twice":                 {func(c *Config) { c.Tokens = []listen.TokenConfig{token, token} }, "tokens[1].name", "twice"},
		"an empty token":                {func(c *Config) { c.Tokens = []listen.TokenConfig{{Name: "a"}} }, "tokens[0].token", "file:PATH"},
		"an unknown role": {func(c *Config) {
			c.Tokens = []listen.TokenConfig{{Name: "a", Role: "boss", Token: setting.NewSecret("x")}}
		}, "tokens[0].role", "admin"},
		"TLS without key":         {func(c *Config) { c.TLS = &listen.TLSConfig{Cert: "c.pem"} }, "tls", "cert and key"},
		"TLS without such a file": {func(c *Config) { c.TLS = &listen.TLSConfig{Cert: "no.pem", Key: "no.key"} }, "tls", "no.pem"},
	} {
		t.Run(name, func(t *testing.T) {
			config := DefaultConfig()
			c.change(&config)
			ps := config.Validate()
			if len(ps) != 1 || ps[0].Path != c.path || !strings.Contains(ps[0].Text, c.text) {
				t.Errorf("got %v", ps)
			}
		})
	}
}
