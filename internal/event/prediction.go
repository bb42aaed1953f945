package event

import (
	"encoding/json"
	"time"
)

// Prediction is the value of a record in predictions, format 1. Fields are only
// added within a format.
type Prediction struct {
	ID         string           `json:"id"`
	Key        string           `json:"key"`
	Status     string           `json:"status"` // ok · stale · fallback · async
	Prediction json.RawMessage  `json:"prediction"`
	Model      ModelRef         `json:"model"`
	Cache      string           `json:"cache"` // miss · hit · coalesced · stale · off
	Batch      int              `json:"batch"`
	Attempts   int              `json:"attempts"`
	EventTime  *time.Time       `json:"event_time,omitempty"`
	Received   time.Time        `json:"received"`
	Deadline   *time.Time       `json:"deadline,omitempty"`
	Late       bool             `json:"late"`
	LatencyUS  int64            `json:"latency_us"`
	StagesUS   map[string]int64 `json:"stages_us"`
	Include    map[string]any   `json:"include,omitempty"` // kafka.topics.predictions.include
}

// ModelRef says who answered.
type ModelRef struct {
	Name     string `json:"name"`
	Endpoint string `json:"endpoint"`
	Variant  string `json:"variant,omitempty"`
	Version  string `json:"version,omitempty"`
}

// PredictionFormat is the value of the header betimes-format.
const PredictionFormat = "1"
