package injection

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// The kinds of fault that are built.
const (
	Throttle    = "throttle"
	ModelError  = "model_error"
	NotReady    = "not_ready"
	Internal    = "internal"
	Unavailable = "unavailable"
	Dependency  = "dependency"
	Latency     = "latency"
	Reset       = "reset"
	Truncate    = "truncate"
	Stuck       = "stuck"
)

// The kinds of fault that hit deployments.
const (
	Capacity       = "capacity"
	Health         = "health"
	Rollback       = "rollback"
	SilentRollback = "silent_rollback"
)

var kinds = []string{Throttle, ModelError, NotReady, Internal, Unavailable, Dependency, Latency, Reset, Truncate, Stuck, Capacity, Health, Rollback, SilentRollback}

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

// Match says which requests a fault hits; what is empty matches all.
type Match struct {
	Operation string  `json:"operation,omitempty"`
	Endpoint  string  `json:"endpoint,omitempty"`
	Variant   string  `json:"variant,omitempty"`
	Instance  int     `json:"instance,omitempty"` // from 1
	Percent   float64 `json:"percent,omitempty"`
}

// Fault is one thing to do wrong.
type Fault struct {
	ID     string   `json:"id"`
	Match  Match    `json:"match"`
	Fault  string   `json:"fault"`
	Count  int64    `json:"count,omitempty"` // most hits; 0: no limit
	For    Duration `json:"for,omitempty"`   // from when it was added; 0: until removed
	Status int      `json:"status,omitempty"`
	Body   string   `json:"body,omitempty"`
	Add    Duration `json:"add,omitempty"`
	Times  float64  `json:"times,omitempty"`

	deploys bool // it hits deployments, not invocations
	until   time.Time
	hits    atomic.Int64
	gone    chan struct{} // closed when it was removed: what is stuck goes on
}

// Gone is closed when the fault was removed.
func (f *Fault) Gone() <-chan struct{} { return f.gone }

// MarshalJSON adds the number of hits.
func (f *Fault) MarshalJSON() ([]byte, error) {
	type plain struct { // without the atomic and the method
		ID     string   `json:"id"`
		Match  Match    `json:"match"`
		Fault  string   `json:"fault"`
		Count  int64    `json:"count,omitempty"`
		For    Duration `json:"for,omitzero"`
		Status int      `json:"status,omitempty"`
		Add    Duration `json:"add,omitzero"`
		Times  float64  `json:"times,omitempty"`
		Hits   int64    `json:"hits"`
	}
	return json.Marshal(plain{f.ID, f.Match, f.Fault, f.Count, f.For, f.Status, f.Add, f.Times, f.hits.Load()})
}

// check says what is wrong with a fault as it was sent.
func (f *Fault) check() error {
	switch {
	case !slices.Contains(kinds, f.Fault):
		return fmt.Errorf("fault: %q is not built; use %s", f.Fault, strings.Join(kinds, ", "))
	case f.Match.Percent < 0 || f.Match.Percent > 100:
		return fmt.Errorf("match.percent: %g is not between 0 and 100", f.Match.Percent)
	case f.Match.Instance < 0:
		return fmt.Errorf("match.instance: %d is less than 1", f.Match.Instance)
	case !slices.Contains(operationsOf(f.Fault), f.Match.Operation):
		return fmt.Errorf("match.operation: %q has no fault %s; use %s", f.Match.Operation, f.Fault, strings.Join(operationsOf(f.Fault)[2:], " or "))
	case f.Count < 0:
		return fmt.Errorf("count: %d is less than 0", f.Count)
	case f.Fault == Latency && f.Add == 0 && f.Times <= 1:
		return fmt.Errorf(`latency needs "add":"200ms" or "times" above 1`)
	case f.Fault == ModelError && f.Status != 0 && (f.Status < 300 || f.Status > 599):
		return fmt.Errorf("status: %d is not between 300 and 599", f.Status)
	}
	return nil
}

// operationsOf are the operations that a kind of fault hits, after "" and "*" for all of them.
func operationsOf(kind string) []string {
	switch kind {
	case Capacity, Health:
		return []string{"", "*", "CreateEndpoint", "UpdateEndpoint", "UpdateEndpointWeightsAndCapacities"}
	case Rollback, SilentRollback:
		return []string{"", "*", "UpdateEndpoint"}
	}
	return []string{"", "*", "InvokeEndpoint", "InvokeEndpointWithResponseStream"}
}

// Where is where a request is.
type Where struct {
	Operation, Endpoint, Variant string
	Instance                     int
	Chance                       *rand.Rand // of an invocation
}

func (m Match) fits(w Where) bool {
	return fits(m.Operation, w.Operation) && fits(m.Endpoint, w.Endpoint) && fits(m.Variant, w.Variant) &&
		(m.Instance == 0 || m.Instance == w.Instance) &&
		(m.Percent == 0 || w.Chance.Float64()*100 < m.Percent)
}

func fits(pattern, value string) bool { return pattern == "" || pattern == "*" || pattern == value }

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
