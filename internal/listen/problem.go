package listen

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// Problem is an RFC 9457 answer.
type Problem struct {
	Type       string        `json:"type"` // a stable URN, urn:betimes:problem:<code>
	Title      string        `json:"title"`
	Status     int           `json:"status"`
	Detail     string        `json:"detail,omitempty"`
	Field      string        `json:"field,omitempty"` // header, pointer or parameter at fault
	RetryAfter time.Duration `json:"-"`               // sent as Retry-After, whole seconds, at least 1
}

// NewProblem makes a Problem of a stable code such as not_json.
func NewProblem(status int, code, title, detail string) Problem {
	return Problem{Type: "urn:betimes:problem:" + code, Title: title, Status: status, Detail: detail}
}

// Error gives title: detail.
func (p Problem) Error() string { return p.Title + ": " + p.Detail }

// Write answers with p.
func (p Problem) Write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(max(1, int((p.RetryAfter+time.Second-1)/time.Second))))
	}
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the caller may have gone
}
