package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"unicode/utf8"

	"github.com/valyala/fastjson"

	"betimes/internal/listen"
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
	if tooDeep(value) {
		return malformed("too_deep", "", "the JSON is nested deeper than "+strconv.Itoa(maxDepth)+" levels")
	}
	if fastjson.ValidateBytes(value) != nil {
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

// tooDeep counts brackets outside strings without recursion, before anything recurses.
func tooDeep(value []byte) bool {
	depth := 0
	for i := 0; i < len(value); i++ {
		switch value[i] {
		case '"':
			i = stringEnd(value, i+1)
		case '{', '[':
			if depth++; depth > maxDepth {
				return true
			}
		case '}', ']':
			depth--
		}
	}
	return false
}

// stringEnd returns where the string whose contents begin at i has its closing quote.
func stringEnd(value []byte, i int) int {
	for {
		n := bytes.IndexByte(value[i:], '"')
		if n < 0 {
			return len(value)
		}
		i += n
		back := 0
		for i-back-1 >= 0 && value[i-back-1] == '\\' {
			back++
		}
		if back%2 == 0 {
			return i
		}
		i++
	}
}
