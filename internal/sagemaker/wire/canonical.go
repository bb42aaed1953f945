package wire

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
)

// host is signed like a header but is not one in net/http.
const host = "Host"

// appendCanonical appends the canonical request and gives the signed names in order.
func (s *Signer) appendCanonical(buf []byte, r Request) ([]byte, []string) {
	buf = append(append(buf, r.Method...), '\n')
	buf = append(s.appendPath(buf, r.URL), '\n')
	buf = append(appendQuery(buf, r.URL), '\n')
	names := signedNames(r.Header)
	for _, name := range names {
		buf = append(appendLower(buf, name), ':')
		if name == host {
			buf = append(buf, r.URL.Host...)
		} else {
			buf = appendValues(buf, r.Header[name])
		}
		buf = append(buf, '\n')
	}
	buf = append(buf, '\n')
	buf = append(appendNames(buf, names), '\n')
	return append(buf, r.PayloadHash...), names
}

func signedNames(h http.Header) []string {
	names := make([]string, 1, len(h)+1)
	names[0] = host
	for name := range h {
		switch name {
		case "Authorization", "User-Agent", "Expect", host:
		default:
			names = append(names, name)
		}
	}
	slices.SortFunc(names, compareLower)
	return names
}

func compareLower(a, b string) int {
	for i := range min(len(a), len(b)) {
		if x, y := lower(a[i]), lower(b[i]); x != y {
			return int(x) - int(y)
		}
	}
	return len(a) - len(b)
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

func appendLower(buf []byte, name string) []byte {
	for i := range len(name) {
		buf = append(buf, lower(name[i]))
	}
	return buf
}

func appendNames(buf []byte, names []string) []byte {
	for i, name := range names {
		if i > 0 {
			buf = append(buf, ';')
		}
		buf = appendLower(buf, name)
	}
	return buf
}

// appendValues trims values and makes one space of several.
func appendValues(buf []byte, values []string) []byte {
	for i, v := range values {
		if i > 0 {
			buf = append(buf, ',')
		}
		v = strings.TrimSpace(v)
		if !strings.Contains(v, "  ") {
			buf = append(buf, v...)
			continue
		}
		buf = append(buf, bytes.Join(bytes.Fields([]byte(v)), []byte(" "))...)
	}
	return buf
}
