package wire

import (
	"net/url"
	"slices"
	"strings"
)

// appendPath: every service but S3 wants the path escaped a second time.
func (s *Signer) appendPath(buf []byte, u *url.URL) []byte {
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	if s.service == "s3" {
		return append(buf, path...)
	}
	return appendEscaped(buf, path, true)
}

func appendQuery(buf []byte, u *url.URL) []byte {
	if u.RawQuery == "" {
		return buf
	}
	var pairs []string
	for name, values := range u.Query() {
		for _, v := range values {
			pair := appendEscaped(nil, name, false)
			pair = append(pair, '=')
			pairs = append(pairs, string(appendEscaped(pair, v, false)))
		}
	}
	slices.Sort(pairs)
	return append(buf, strings.Join(pairs, "&")...)
}

// EscapePath escapes a path the way S3 signs it: everything but letters,
// digits, -._~ and the slash.
func EscapePath(path string) string { return string(appendEscaped(nil, path, true)) }

const hexDigits = "0123456789ABCDEF"

func appendEscaped(buf []byte, s string, isPath bool) []byte {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			c == '-', c == '.', c == '_', c == '~', c == '/' && isPath:
			buf = append(buf, c)
		default:
			buf = append(buf, '%', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return buf
}
