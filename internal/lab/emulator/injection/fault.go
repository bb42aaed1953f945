package injection

import (
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"
)

// Duration is written "200ms" in JSON.
type Duration time.Duration

// UnmarshalText reads 200ms.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err == nil && parsed < 0 {
		err = fmt.Errorf("%s is less than 0s", parsed)
	}
	*d = Duration(parsed)
	return err
}

// MarshalText writes 200ms.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// Fault is one thing to do wrong.
type Fault struct {
	ID     string   `json:"id"`
	Match  Match    `json:"match"`
	Fault  string   `json:"fault"`
	Count  int64    `json:"count,omitempty"` // most hits; 0: no limit
	For    Duration `json:"for,omitzero"`    // from when it was added; 0: until removed
	Status int      `json:"status,omitempty"`
	Body   string   `json:"body,omitempty"`
	Add    Duration `json:"add,omitzero"`
	Times  float64  `json:"times,omitempty"`
	Code   string   `json:"code,omitempty"` // ErrorCode of stream_error

	operations []string // that it may hit
	until      time.Time
	hits       atomic.Int64
	gone       chan struct{} // closed when it was removed: what is stuck goes on
}

// Gone is closed when the fault was removed.
func (f *Fault) Gone() <-chan struct{} { return f.gone }

// plain is a Fault without its methods.
type plain Fault

// MarshalJSON adds the number of hits.
func (f *Fault) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		*plain
		Hits int64 `json:"hits"`
	}{(*plain)(f), f.hits.Load()})
}

// hit counts a hit, unless the fault is used up or over.
func (f *Fault) hit(now func() time.Time) bool {
	if !f.until.IsZero() && now().After(f.until) {
		return false
	}
	n := f.hits.Add(1)
	if f.Count > 0 && n > f.Count {
		f.hits.Add(-1)
		return false
	}
	return true
}
