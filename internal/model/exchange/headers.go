package exchange

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"betimes/internal/setting"
)

// rotation is how long a secret from a file is used before the file is read again.
const rotation = 10 * time.Second

// Headers keeps the headers that all requests of one content type share: those of
// the configuration and what a door sends with each. A model has one content type,
// so one set is enough. It is safe for concurrent use.
type Headers struct {
	configured map[string]setting.Secret
	rotates    bool // a value comes from a file
	current    atomic.Pointer[headerSet]
}

type headerSet struct {
	contentType, accept string
	header              http.Header // only read
	made                time.Time
}

// NewHeaders takes the headers of a configuration. It fails when a file that holds
// a value cannot be read.
func NewHeaders(configured map[string]setting.Secret) (*Headers, error) {
	h := &Headers{configured: configured}
	for _, secret := range configured {
		if _, inFile := secret.InFile(); inFile {
			h.rotates = true
		}
	}
	_, err := h.make("", "")
	return h, err
}

// Of gives the headers for a content type. The caller must not change them.
func (h *Headers) Of(contentType, accept string) (http.Header, error) {
	set := h.current.Load()
	if set != nil && set.contentType == contentType && set.accept == accept && !(h.rotates && time.Since(set.made) > rotation) {
		return set.header, nil
	}
	header, err := h.make(contentType, accept)
	if err != nil {
		return nil, err
	}
	h.current.Store(&headerSet{contentType, accept, header, time.Now()})
	return header, nil
}

func (h *Headers) make(contentType, accept string) (http.Header, error) {
	header := http.Header{"User-Agent": {"betimes"}}
	for name, secret := range h.configured {
		value, err := secret.Value()
		if err != nil {
			return nil, fmt.Errorf("headers.%s: %w", name, err)
		}
		if !isFieldValue(value) {
			return nil, fmt.Errorf("headers.%s: %w", name, errFieldValue)
		}
		header.Set(name, value)
	}
	if contentType != "" {
		header.Set("Content-Type", contentType)
	}
	if accept != "" {
		header.Set("Accept", accept)
	}
	return header, nil
}

var errFieldValue = errors.New("its value holds a line end or another control character; write it on one line")

// CheckHeaders notes names that are no headers, and those that a door sets itself.
func CheckHeaders(ps *setting.Problems, configured map[string]setting.Secret, taken ...string) {
	always := []string{"Content-Type", "Content-Length", "Accept", "Host", "Connection", "Transfer-Encoding"}
	for name := range configured {
		path := "headers." + name
		switch canonical := http.CanonicalHeaderKey(name); {
		case !isToken(name):
			ps.Add(path, "%q is not the name of a header; use letters, digits and -", name)
		case slices.Contains(always, canonical), slices.Contains(taken, canonical):
			ps.Add(path, "%s is set by betimes; remove it (content_type and accept belong to the model)", name)
		}
	}
}

func isToken(name string) bool {
	for _, r := range name {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_') {
			return false
		}
	}
	return name != ""
}

func isFieldValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
