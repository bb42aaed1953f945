package main

import (
	"encoding/json"
	"slices"
	"strings"

	"betimes/internal/config"
)

// paymentsKey is where the events of the example problem have their key.
const paymentsKey = "/card_token"

// samples are believable values of fields that the example problem has.
var samples = map[string]any{
	"amount": 129.95, "hour": 3, "country_risk": 0.7, "merchant_risk": 0.4, "event_time": "2026-01-31T03:12:00Z",
}

// sampleEvent is an event that the file's gateway takes and its mapping can use.
func sampleEvent(c config.Config) string {
	var b strings.Builder
	b.WriteByte('{')
	seen := []string{}
	add := func(name string, value any) {
		if name == "" || strings.Contains(name, "/") || slices.Contains(seen, name) {
			return
		}
		seen = append(seen, name)
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		key, _ := json.Marshal(name)
		text, _ := json.Marshal(value) // plain values always marshal
		b.Write(key)
		b.WriteByte(':')
		b.Write(text)
	}
	g := c.Flow.Gateway
	add(strings.TrimPrefix(g.ID, "/"), "try-1")
	add(strings.TrimPrefix(g.Key, "/"), "tok_0000")
	for _, field := range c.Flow.Feature.Fields {
		value, ok := samples[field]
		if !ok {
			value = 0.5
		}
		add(field, value)
	}
	add(strings.TrimPrefix(g.EventTime, "/"), samples["event_time"])
	b.WriteByte('}')
	return b.String()
}
