package main

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"betimes/internal/config"
	"betimes/internal/event"
	"betimes/internal/flow/feature"
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
	asked, values := askedFor(c.Flow.Feature.Request)
	for i, field := range asked {
		add(field, values[i])
	}
	add(strings.TrimPrefix(g.EventTime, "/"), samples["event_time"])
	b.WriteByte('}')
	return b.String()
}

// mostTried bounds the fields of which each is tried as number and as text.
const mostTried = 6

// askedFor gives the fields that a request is made of, with values that it can be made
// of: numbers, or text where it takes no number.
func askedFor(request string) ([]string, []any) {
	x, err := feature.Compile(request, feature.Any)
	if err != nil {
		return nil, nil // an empty one asks for nothing
	}
	fields := x.Fields()
	values := func(text int) []any {
		out := make([]any, len(fields))
		for i, field := range fields {
			known, ok := samples[field]
			switch {
			case i < mostTried && text&(1<<i) != 0:
				out[i] = "some words"
			case ok:
				out[i] = known
			default:
				out[i] = 0.5
			}
		}
		return out
	}
	for text := range 1 << min(len(fields), mostTried) {
		if tried := values(text); works(x, fields, tried) {
			return fields, tried
		}
	}
	return fields, values(0)
}

// works says whether an expression can be evaluated over these fields.
func works(x *feature.Expression, fields []string, values []any) bool {
	reader, err := feature.NewReader(feature.Format{})
	if err != nil {
		return false
	}
	in := reader.Open(&event.Event{Value: object(fields, values)}, time.Now())
	defer in.Close()
	_, err = x.Eval(in)
	return err == nil
}

func object(fields []string, values []any) []byte {
	all := make(map[string]any, len(fields))
	for i, field := range fields {
		all[field] = values[i]
	}
	text, _ := json.Marshal(all) // plain values always marshal
	return text
}
