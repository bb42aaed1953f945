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

// The kinds of fault that hit what comes after an answer: streams, results,
// notifications, and the objects that others read and write.
const (
	StreamError    = "stream_error"   // ModelStreamError in band, after half of the answer
	StreamFailure  = "stream_failure" // InternalStreamFailure in band
	LostResult     = "lost_result"    // of an asynchronous request: neither written nor told
	LateResult     = "late_result"
	LostNotice     = "sns_lost"
	LateNotice     = "sns_late"
	RepeatedNotice = "sns_duplicate"
	StorageError   = "s3_error"
)

var kinds = []string{Throttle, ModelError, NotReady, Internal, Unavailable, Dependency, Latency, Reset, Truncate, Stuck, Capacity, Health, Rollback, SilentRollback,
	StreamError, StreamFailure, LostResult, LateResult, LostNotice, LateNotice, RepeatedNotice, StorageError}

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
	Topic     string  `json:"topic,omitempty"`    // its name, for notifications
	Bucket    string  `json:"bucket,omitempty"`   // for s3_error
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
	Code   string   `json:"code,omitempty"` // ErrorCode of stream_error

	operations []string // that it may hit
	until      time.Time
	hits       atomic.Int64
	gone       chan struct{} // closed when it was removed: what is stuck goes on
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
		Code   string   `json:"code,omitempty"`
		Hits   int64    `json:"hits"`
	}
	return json.Marshal(plain{f.ID, f.Match, f.Fault, f.Count, f.For, f.Status, f.Add, f.Times, f.Code, f.hits.Load()})
}

// check says what is wrong with a fault as it was sent.
func (f *Fault) check(operations []string) error {
	switch {
	case !slices.Contains(kinds, f.Fault):
		return fmt.Errorf("fault: %q is not built; use %s", f.Fault, strings.Join(kinds, ", "))
	case f.Match.Percent < 0 || f.Match.Percent > 100:
		return fmt.Errorf("match.percent: %g is not between 0 and 100", f.Match.Percent)
	case f.Match.Instance < 0:
		return fmt.Errorf("match.instance: %d is less than 1", f.Match.Instance)
	case !slices.Contains(operations, f.Match.Operation):
		return fmt.Errorf("match.operation: %q has no fault %s; use %s", f.Match.Operation, f.Fault, strings.Join(operations[2:], " or "))
	case f.Count < 0:
		return fmt.Errorf("count: %d is less than 0", f.Count)
	case f.Fault == Latency && f.Add == 0 && f.Times <= 1:
		return fmt.Errorf(`latency needs "add":"200ms" or "times" above 1`)
	case f.Fault == ModelError && f.Status != 0 && (f.Status < 300 || f.Status > 599):
		return fmt.Errorf("status: %d is not between 300 and 599", f.Status)
	}
	return f.checkLater()
}

// checkLater checks the faults of what comes after an answer.
func (f *Fault) checkLater() error {
	m, notices := f.Match, slices.Contains([]string{LostNotice, LateNotice, RepeatedNotice}, f.Fault)
	switch {
	case (f.Fault == LateNotice || f.Fault == LateResult) && f.Add == 0:
		return fmt.Errorf(`%s needs "add":"5s"`, f.Fault)
	case f.Fault == StorageError && f.Status != 0 && f.Status != 500 && f.Status != 503:
		return fmt.Errorf("status: %d is none of s3_error; use 500 (InternalError) or 503 (SlowDown)", f.Status)
	case f.Code != "" && f.Fault != StreamError, f.Code != "" && f.Code != StreamBroken && f.Code != StreamTimeExceeded:
		return fmt.Errorf("code: %q is for stream_error, and is %s or %s", f.Code, StreamBroken, StreamTimeExceeded)
	case m.Topic != "" && !notices:
		return fmt.Errorf("match.topic is for %s, %s and %s", LostNotice, LateNotice, RepeatedNotice)
	case m.Bucket != "" && f.Fault != StorageError:
		return fmt.Errorf("match.bucket is for %s", StorageError)
	case (notices || f.Fault == StorageError) && (m.Endpoint != "" || m.Variant != "" || m.Instance != 0):
		return fmt.Errorf("match: %s happens at no endpoint; leave out endpoint, variant and instance", f.Fault)
	}
	return nil
}

// The codes of stream_error.
const (
	StreamBroken       = "StreamBroken"
	StreamTimeExceeded = "ModelInvocationTimeExceeded"
)

// operationsOf are the operations that a kind of fault hits, after "" and "*" for all of them.
func operationsOf(kind string) []string {
	switch kind {
	case Capacity, Health:
		return []string{"", "*", "CreateEndpoint", "UpdateEndpoint", "UpdateEndpointWeightsAndCapacities"}
	case Rollback, SilentRollback:
		return []string{"", "*", "UpdateEndpoint"}
	case StreamError, StreamFailure:
		return []string{"", "*", "InvokeEndpointWithResponseStream"}
	case LostResult, LateResult:
		return []string{"", "*", "InvokeEndpointAsync"}
	case LostNotice, LateNotice, RepeatedNotice:
		return []string{"", "*", "Publish"}
	}
	return []string{"", "*", "InvokeEndpoint", "InvokeEndpointWithResponseStream"}
}

// Where is where a request is.
type Where struct {
	Operation, Endpoint, Variant string
	Topic, Bucket                string
	Instance                     int
	Chance                       *rand.Rand // of an invocation
}

func (m Match) fits(w Where) bool {
	return fits(m.Operation, w.Operation) && fits(m.Endpoint, w.Endpoint) && fits(m.Variant, w.Variant) &&
		fits(m.Topic, w.Topic) && fits(m.Bucket, w.Bucket) &&
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
