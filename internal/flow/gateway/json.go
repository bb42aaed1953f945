package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"unicode/utf8"

	"betimes/internal/listen"
	"betimes/internal/pointer"
)

// maxDepth bounds how deep JSON may be nested: parsers further on recurse.
const maxDepth = 64

var byteOrderMark = []byte("\xef\xbb\xbf")

// checkObject says why value is not one JSON object. Its texts name places, never contents.
func checkObject(value []byte) *listen.Problem {
	switch body := bytes.TrimLeft(value, " \t\r\n"); {
	case len(body) == 0:
		return malformed("empty", "", "the body is empty; send one JSON object")
	case bytes.HasPrefix(body, byteOrderMark):
		return malformed("byte_order_mark", "", "the body begins with a byte order mark; send UTF-8 without one")
	case body[0] == '[':
		return malformed("array", "", "the body is a JSON array; send many events as NDJSON, one object a line, with Content-Type: application/x-ndjson")
	case body[0] != '{':
		return notJSON(value)
	}
	if !utf8.Valid(value) {
		return malformed("not_utf8", "", "the body is not UTF-8")
	}
	if pointer.TooDeep(value, maxDepth) {
		return malformed("too_deep", "", "the JSON is nested deeper than "+strconv.Itoa(maxDepth)+" levels")
	}
	if !pointer.Valid(value) {
		return notJSON(value)
	}
	return nil
}

// notJSON says at which byte value stops being one JSON object.
func notJSON(value []byte) *listen.Problem {
	detail := "the body is not a JSON object"
	var object map[string]json.RawMessage
	var syntax *json.SyntaxError
	if err := json.Unmarshal(value, &object); errors.As(err, &syntax) {
		detail += ": it ends or breaks at byte " + strconv.FormatInt(syntax.Offset, 10)
	}
	return malformed("not_json", "", detail)
}
