// Package privacy decides what people may see of an event: logs, pages, metrics
// and error texts ask it before they show a key or a payload.
//
// Upstream: the setting privacy.show.
// Downstream: every room that shows an event.
//
// Invariants: standard library only; a payload is never shown unless the owner
// said payloads; a hidden key has the same hash all through one pipeline.
package privacy

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Show is how much may be shown.
type Show string

// The values of privacy.show.
const (
	None     Show = "none"     // keys as a keyed hash, no payloads
	Keys     Show = "keys"     // keys, no payloads
	Payloads Show = "payloads" // everything
)

// Policy shows what its Show allows. The zero Policy shows nothing.
type Policy struct {
	Show Show
	Salt []byte // of the keyed hash; the pipeline's own
}

// Key gives the key, or a short keyed hash of it, in quotes when it is not plain text.
func (p Policy) Key(key []byte) string {
	if p.Show != Keys && p.Show != Payloads {
		mac := hmac.New(sha256.New, p.Salt)
		mac.Write(key)
		return "#" + hex.EncodeToString(mac.Sum(nil)[:6])
	}
	if !utf8.Valid(key) {
		return strconv.QuoteToASCII(string(key))
	}
	return Plain(string(key))
}

// Payload gives at most max bytes of a payload, or only its size.
func (p Policy) Payload(payload []byte, max int) string {
	if p.Show != Payloads {
		return "(" + strconv.Itoa(len(payload)) + " bytes)"
	}
	if len(payload) > max {
		return strconv.QuoteToGraphic(string(payload[:max])) + "…"
	}
	return Lines(string(payload))
}

// Plain gives a text of somebody else's as it is, or in quotes when it holds what a
// terminal obeys or cannot show: whoever sends events must not write on the screen of
// whoever looks at them.
func Plain(text string) string {
	if utf8.ValidString(text) && strings.IndexFunc(text, unprintable) < 0 {
		return text
	}
	return strconv.QuoteToGraphic(text)
}

func unprintable(r rune) bool { return !unicode.IsGraphic(r) }

// Lines is Plain for what may have several lines.
func Lines(text string) string {
	if utf8.ValidString(text) && strings.IndexFunc(text, func(r rune) bool { return unprintable(r) && r != '\n' && r != '\t' }) < 0 {
		return text
	}
	return strconv.QuoteToGraphic(text)
}
