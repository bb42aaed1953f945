package pointer

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/valyala/fastjson"
)

// Pointer is a parsed JSON pointer. The zero Pointer is the whole document.
type Pointer struct {
	text   string
	tokens []token
}

// token is one step down: a member name and, where the name is one, an index.
type token struct {
	name  string
	index int // -1: not an index
}

// Parse reads a pointer: "" (the whole document) or /name/name/…, in which ~1
// stands for / and ~0 for ~.
func Parse(ptr string) (Pointer, error) {
	if ptr == "" {
		return Pointer{}, nil
	}
	if ptr[0] != '/' {
		return Pointer{}, fmt.Errorf("JSON pointer %q does not begin with /; write /%s", ptr, ptr)
	}
	names := strings.Split(ptr[1:], "/")
	p := Pointer{text: ptr, tokens: make([]token, len(names))}
	for i, name := range names {
		name, err := unescape(name)
		if err != nil {
			return Pointer{}, fmt.Errorf("JSON pointer %q: %w", ptr, err)
		}
		p.tokens[i] = token{name, index(name)}
	}
	return p, nil
}

// unescape replaces ~1 and ~0; any other use of ~ is an error.
func unescape(name string) (string, error) {
	for i := range len(name) {
		if name[i] != '~' {
			continue
		}
		if i+1 == len(name) || (name[i+1] != '0' && name[i+1] != '1') {
			return "", fmt.Errorf("~ in %q is not ~0 or ~1; write ~0 for a ~", name)
		}
	}
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(name), nil
}

// index reads an array index as RFC 6901 has it: digits without a leading zero.
func index(name string) int {
	if name == "" || len(name) > 9 || (name[0] == '0' && len(name) > 1) {
		return -1
	}
	for i := range len(name) {
		if name[i] < '0' || name[i] > '9' {
			return -1
		}
	}
	n, _ := strconv.Atoi(name)
	return n
}

// String gives the pointer as it was written.
func (p Pointer) String() string { return p.text }

// In returns the value that p points at within v, or nil when there is none.
// It is valid as long as v is.
func (p Pointer) In(v *fastjson.Value) *fastjson.Value {
	for i := range p.tokens {
		if v == nil {
			return nil
		}
		v = p.tokens[i].in(v)
	}
	return v
}

func (t token) in(v *fastjson.Value) *fastjson.Value {
	switch v.Type() {
	case fastjson.TypeObject:
		o, _ := v.Object()
		return o.Get(t.name)
	case fastjson.TypeArray:
		if list, _ := v.Array(); t.index >= 0 && t.index < len(list) {
			return list[t.index]
		}
	}
	return nil
}

// Bytes returns v as Append writes it, in memory of its own.
func Bytes(v *fastjson.Value) []byte { return Append(nil, v) }

// Append appends v the way a key or an id is made of it: a string without its
// quotes, a number as it was written, true and false as words, anything deeper
// as JSON. Nothing is appended for nil and null.
func Append(dst []byte, v *fastjson.Value) []byte {
	if v == nil {
		return dst
	}
	switch v.Type() {
	case fastjson.TypeNull:
		return dst
	case fastjson.TypeString:
		s, _ := v.StringBytes()
		return append(dst, s...)
	}
	return v.MarshalTo(dst)
}
