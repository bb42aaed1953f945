package gateway

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"betimes/internal/event"
	"betimes/internal/listen"
)

// Bounds of what callers may say in headers.
const (
	maxDeadline     = 24 * time.Hour
	maxWait         = 60 * time.Second
	maxPassedBytes  = 8 << 10 // headers passed on with one event
	defaultPriority = 5
)

// call is what one request says of all its events.
type call struct {
	received time.Time
	deadline time.Duration // 0: the budget's
	priority int
	key      []byte // X-Key
	id       string // Idempotency-Key
	wait     time.Duration
	passed   []event.Header // traceparent, tracestate
}

// readCall reads the request's headers.
func readCall(h http.Header, received time.Time) (call, *listen.Problem) {
	c := call{received: received, priority: defaultPriority, id: unquote(h.Get("Idempotency-Key"))}
	if c.id != "" {
		if p := checkID(c.id, "Idempotency-Key"); p != nil {
			return c, p
		}
	}
	if key := h.Get("X-Key"); key != "" {
		c.key = []byte(key)
	}
	if text := h.Get("X-Deadline-Ms"); text != "" {
		ms, err := strconv.ParseUint(text, 10, 32)
		if err != nil || ms == 0 || ms > uint64(maxDeadline.Milliseconds()) {
			return c, malformed("bad_deadline", "X-Deadline-Ms", "X-Deadline-Ms is not a budget; send whole milliseconds from 1 to 86400000")
		}
		c.deadline = time.Duration(ms) * time.Millisecond
	}
	if text := h.Get("X-Priority"); text != "" {
		if len(text) != 1 || text[0] < '0' || text[0] > '9' {
			return c, malformed("bad_priority", "X-Priority", "X-Priority is not a priority; send one digit, 0 (low) to 9")
		}
		c.priority = int(text[0] - '0')
	}
	c.wait = readWait(h["Prefer"])
	c.passed = appendPassed(nil, h, "Traceparent", "traceparent")
	if len(c.passed) > 0 { // tracestate means nothing alone
		c.passed = appendPassed(c.passed, h, "Tracestate", "tracestate")
	}
	c.passed = slices.Clip(c.passed) // many events share it: who appends must copy
	return c, nil
}

// unquote takes the quotes off: the header may be written as a structured field (RFC 9651).
func unquote(text string) string {
	if n := len(text); n > 2 && text[0] == '"' && text[n-1] == '"' {
		return text[1 : n-1]
	}
	return text
}

// readWait finds wait=N in the Prefer headers (RFC 7240). What is not
// understood is ignored, as preferences may be; more than maxWait counts as that.
func readWait(lines []string) time.Duration {
	for _, line := range lines {
		for part := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			if !strings.EqualFold(name, "wait") {
				continue
			}
			seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31)
			if err != nil {
				return 0
			}
			return min(time.Duration(seconds)*time.Second, maxWait)
		}
	}
	return 0
}

// appendPassed passes one header (from in canonical form) on when its value is short printable ASCII.
func appendPassed(list []event.Header, h http.Header, from, to string) []event.Header {
	v := h[from]
	if len(v) == 0 || v[0] == "" || len(v[0]) > 512 || !printable(v[0]) {
		return list
	}
	return append(list, event.Header{Name: to, Value: []byte(v[0])})
}

// checkID says what is wrong with an id found at field.
func checkID(id, field string) *listen.Problem {
	if id == "" || len(id) > event.MaxIDBytes || !printable(id) || strings.Contains(id, " ") {
		return malformed("bad_id", field, "the id is not 1 to 128 printable ASCII characters without spaces; send another")
	}
	return nil
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// malformed makes a 400 about one field.
func malformed(code, field, detail string) *listen.Problem {
	p := listen.NewProblem(http.StatusBadRequest, code, "The event is malformed", detail)
	p.Field = field
	return &p
}
