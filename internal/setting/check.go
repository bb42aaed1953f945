package setting

import (
	"net"
	"slices"
	"strings"
	"time"
)

// OneOf notes a problem when value is none of the allowed ones.
func (ps *Problems) OneOf(path, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		ps.Add(path, "%q is not known; use %s", value, strings.Join(allowed, ", "))
	}
}

// Positive notes a problem when a duration is zero or less.
func (ps *Problems) Positive(path string, d time.Duration) {
	if d <= 0 {
		ps.Add(path, "%s is not more than 0s; write for example 250ms", d)
	}
}

// Address notes a problem when text is not HOST:PORT.
func (ps *Problems) Address(path, text string) {
	if _, port, err := net.SplitHostPort(text); err != nil || port == "" {
		ps.Add(path, "%q is not an address; write for example 127.0.0.1:8080, or 127.0.0.1:0 for a free port", text)
	}
}
