package config

import (
	"encoding/json"

	"betimes/internal/event"

	"github.com/invopop/jsonschema"
)

// PredictionSchema is the JSON Schema of a prediction's value, format 1. Readers
// must expect more fields: a format only gains some.
func PredictionSchema() ([]byte, error) {
	r := jsonschema.Reflector{DoNotReference: true, Anonymous: true, AllowAdditionalProperties: true}
	s := r.Reflect(&event.Prediction{})
	s.Title = "betimes prediction, format " + event.PredictionFormat
	return json.MarshalIndent(s, "", "  ")
}
