package injection

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
)

// Match says which requests a fault hits; what is empty matches all.
type Match struct {
	Operation     string  `json:"operation,omitempty"`
	Endpoint      string  `json:"endpoint,omitempty"`
	Variant       string  `json:"variant,omitempty"`        // that was chosen
	TargetVariant string  `json:"target_variant,omitempty"` // that the caller asked for
	Instance      int     `json:"instance,omitempty"`       // from 1
	InferenceID   string  `json:"inference_id,omitempty"`
	Body          *Body   `json:"body,omitempty"`
	Topic         string  `json:"topic,omitempty"`  // its name, for notifications
	Bucket        string  `json:"bucket,omitempty"` // for s3_error
	Region        string  `json:"region,omitempty"`
	Account       string  `json:"account,omitempty"`
	Percent       float64 `json:"percent,omitempty"`
}

// Body says which bodies of requests match: those that contain a text, or JSON in
// which the value at a pointer (RFC 6901) is a given one.
type Body struct {
	Contains string          `json:"contains,omitempty"`
	Pointer  *string         `json:"pointer,omitempty"`
	Equals   json.RawMessage `json:"equals,omitempty"`
}

// Where is where a request is.
type Where struct {
	Operation, Endpoint, Variant string
	TargetVariant, InferenceID   string
	Topic, Bucket                string
	Region, Account              string
	Instance                     int
	Body                         []byte
	Chance                       *rand.Rand // nil: the Book's own
}

func (m *Match) fits(w *Where) bool {
	return fits(m.Operation, w.Operation) && fits(m.Endpoint, w.Endpoint) && fits(m.Variant, w.Variant) &&
		fits(m.TargetVariant, w.TargetVariant) && fits(m.InferenceID, w.InferenceID) &&
		fits(m.Topic, w.Topic) && fits(m.Bucket, w.Bucket) && fits(m.Region, w.Region) && fits(m.Account, w.Account) &&
		(m.Instance == 0 || m.Instance == w.Instance) && (m.Body == nil || m.Body.fits(w.Body)) &&
		(m.Percent == 0 || w.Chance.Float64()*100 < m.Percent)
}

func fits(pattern, value string) bool { return pattern == "" || pattern == "*" || pattern == value }

func (b *Body) fits(body []byte) bool {
	if b.Pointer == nil {
		return bytes.Contains(body, []byte(b.Contains))
	}
	all, ok := decoded(body)
	if !ok {
		return false
	}
	got, ok := at(all, *b.Pointer)
	want, _ := decoded(b.Equals) // it was checked
	return ok && equal(got, want)
}

// decoded reads one JSON value whose numbers keep their digits.
func decoded(text []byte) (any, bool) {
	in := json.NewDecoder(bytes.NewReader(text))
	in.UseNumber()
	var v any
	if in.Decode(&v) != nil || in.More() {
		return nil, false
	}
	return v, true
}

// pointed takes the escapes of a pointer's parts back.
var pointed = strings.NewReplacer("~1", "/", "~0", "~")

// at finds the value at a pointer: "" is all, "/a/0" the first of the list a.
func at(v any, pointer string) (any, bool) {
	if pointer == "" {
		return v, true
	}
	for part := range strings.SplitSeq(pointer[1:], "/") {
		switch inner := v.(type) {
		case map[string]any:
			found, ok := inner[pointed.Replace(part)]
			if !ok {
				return nil, false
			}
			v = found
		case []any:
			n, err := strconv.Atoi(part)
			if err != nil || n < 0 || n >= len(inner) {
				return nil, false
			}
			v = inner[n]
		default:
			return nil, false
		}
	}
	return v, true
}

// equal compares what decoded gave.
func equal(a, b any) bool {
	switch x := a.(type) {
	case json.Number:
		y, ok := b.(json.Number)
		return ok && equalNumbers(x, y)
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !equal(x[i], y[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for name := range x {
			if other, ok := y[name]; !ok || !equal(x[name], other) {
				return false
			}
		}
		return true
	}
	return a == b // texts, booleans and null
}

// equalNumbers takes 1.50 and 1.5 for the same, and whole numbers that a float64 cannot hold by their digits.
func equalNumbers(a, b json.Number) bool {
	if a == b {
		return true
	}
	x, err := a.Float64()
	y, failed := b.Float64()
	return err == nil && failed == nil && x == y && math.Abs(x) < 1<<53
}
