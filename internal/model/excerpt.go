package model

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMessageBytes bounds Error.Message: it travels in headers.
const maxMessageBytes = 512

// Excerpt makes one printable line, at most 512 bytes, of what a server said.
func Excerpt(body []byte) string {
	text := string(body[:min(len(body), maxMessageBytes)])
	for len(text) > 0 { // a rune may have been cut
		if r, size := utf8.DecodeLastRuneInString(text); r != utf8.RuneError || size != 1 || len(body) <= maxMessageBytes {
			break
		}
		text = text[:len(text)-1]
	}
	text = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError:
			return '?'
		case unicode.IsPrint(r):
			return r
		}
		return ' '
	}, text)
	return strings.TrimSpace(text)
}
