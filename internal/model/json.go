package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
)

// jsonCodec sends any JSON value. Values that hold exactly one list of length
// one, such as {"instances":[…]} or […], share a call by joining their lists.
type jsonCodec struct{ decoder }

// AppendRow appends {"instances":[[…]]}; NaN is null.
func (jsonCodec) AppendRow(dst []byte, row []float64) []byte {
	dst = append(dst, `{"instances":[`...)
	dst = appendJSONRow(dst, row)
	return append(dst, "]}"...)
}

func appendJSONRow(dst []byte, row []float64) []byte {
	dst = append(dst, '[')
	for i, v := range row {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendJSONNumber(dst, v)
	}
	return append(dst, ']')
}

// Encode makes JSON of any value.
func (jsonCodec) Encode(value any) ([]byte, error) { return encodeJSON(value) }

func encodeJSON(value any) ([]byte, error) {
	if row, ok := value.([]float64); ok && allFinite(row) {
		return appendJSONRow(nil, row), nil // NaN is a missing value here too
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(withoutNaN(value)); err != nil {
		return nil, fmt.Errorf("the request cannot be written as JSON: %w", err)
	}
	return trimLineEnd(buf.Bytes()), nil
}

// withoutNaN copies lists and objects that hold a NaN, with null in its place.
func withoutNaN(value any) any {
	switch v := value.(type) {
	case float64:
		if math.IsNaN(v) {
			return nil
		}
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = withoutNaN(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k := range v {
			out[k] = withoutNaN(v[k])
		}
		return out
	}
	return value
}

// Joinable: a list of length one, or an object whose only member is one.
func (jsonCodec) Joinable(body []byte) bool {
	l, ok := findList(body)
	return ok && l.sole && len(l.elements) == 1
}

// Alike: the same before the list.
func (jsonCodec) Alike(a, b []byte) bool {
	la, okA := findList(a)
	lb, okB := findList(b)
	return okA && okB && bytes.Equal(la.head, lb.head)
}

// Join puts the elements of all items in the envelope of the first. Items that
// are not Joinable must not be joined.
func (jsonCodec) Join(items []Item) []byte {
	if len(items) == 1 {
		return items[0].Body
	}
	var out, tail []byte
	for i := range items {
		l, ok := findList(items[i].Body)
		if !ok {
			continue // not joinable: the count of the answer will tell
		}
		if out == nil {
			out = append(out, l.head...)
			tail = l.tail
		} else {
			out = append(out, ',')
		}
		out = append(out, bytes.Join(l.elements, []byte(","))...)
	}
	return append(out, tail...)
}
