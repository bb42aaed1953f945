package rest

import (
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"betimes/internal/setting"
)

// rotation is how long a secret from a file is used before the file is read again.
const rotation = 10 * time.Second

// headers keeps the headers that all requests of one content type share. A
// model has one content type, so one set is enough.
type headers struct {
	configured map[string]setting.Secret
	rotates    bool // a value comes from a file
	current    atomic.Pointer[headerSet]
}

type headerSet struct {
	contentType, accept string
	header              http.Header // only read
	made                time.Time
}

func newHeaders(configured map[string]setting.Secret) (*headers, error) {
	h := &headers{configured: configured}
	for _, secret := range configured {
		if _, inFile := secret.InFile(); inFile {
			h.rotates = true
		}
	}
	_, err := h.make("", "")
	return h, err
}

// of gives the headers for a content type. The caller must not change them.
func (h *headers) of(contentType, accept string) (http.Header, error) {
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

func (h *headers) make(contentType, accept string) (http.Header, error) {
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

func isFieldValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
