package learn

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

// Bounds of Universal Binary JSON, which says counts before what it counts.
const (
	maxDepth    = 64
	ubjsonBytes = 8 // the most that one byte of a file may cost: a counted list of nulls holds no bytes at all
)

// ubjson reads Universal Binary JSON, as XGBoost writes it, into what
// encoding/json makes of JSON: map, list, text, number, bool and nil.
type ubjson struct {
	data  []byte
	at    int
	items int // lists' items so far, bounded by the file's length
}

var errShort = errors.New("the file ends too early")

// isUBJSON tells it from JSON, where a quote, a space or the end follows the first brace.
func isUBJSON(data []byte) bool {
	return len(data) > 1 && data[0] == '{' && (size(data[1]) > 0 || data[1] == '$' || data[1] == '#')
}

func ubjsonToJSON(data []byte) ([]byte, error) {
	v, err := parseUBJSON(data)
	if err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

// parseUBJSON reads one value that fills data.
func parseUBJSON(data []byte) (any, error) {
	u := &ubjson{data: data}
	v, err := u.value(0)
	if err == nil && u.at != len(data) {
		err = errors.New("bytes follow the end")
	}
	if err != nil {
		return nil, fmt.Errorf("UBJSON, byte %d: %w", u.at, err)
	}
	return v, nil
}

func (u *ubjson) take(n int) ([]byte, error) {
	if n < 0 || n > len(u.data)-u.at {
		return nil, errShort
	}
	u.at += n
	return u.data[u.at-n : u.at], nil
}

func (u *ubjson) marker() (byte, error) {
	for {
		b, err := u.take(1)
		if err != nil {
			return 0, err
		}
		if b[0] != 'N' { // no-op
			return b[0], nil
		}
	}
}

// skip reads the next byte if it is the marker m.
func (u *ubjson) skip(m byte) bool {
	for u.at < len(u.data) && u.data[u.at] == 'N' {
		u.at++
	}
	if u.at < len(u.data) && u.data[u.at] == m {
		u.at++
		return true
	}
	return false
}

func (u *ubjson) value(depth int) (any, error) {
	m, err := u.marker()
	if err != nil {
		return nil, err
	}
	return u.typed(m, depth)
}

// typed reads the value behind a marker.
func (u *ubjson) typed(m byte, depth int) (any, error) {
	switch m {
	case 'Z':
		return nil, nil
	case 'T', 'F':
		return m == 'T', nil
	case 'S', 'H':
		n, err := u.length()
		if err != nil {
			return nil, err
		}
		text, err := u.take(n)
		return string(text), err
	case 'C':
		b, err := u.take(1)
		return string(b), err
	case '[', '{':
		if depth == maxDepth {
			return nil, fmt.Errorf("more than %d levels", maxDepth)
		}
		if m == '[' {
			return u.list(depth + 1)
		}
		return u.object(depth + 1)
	}
	return u.number(m)
}

// size is how many bytes the number behind a marker has; 0: it is no number.
func size(m byte) int {
	switch m {
	case 'i', 'U':
		return 1
	case 'I', 'u':
		return 2
	case 'l', 'm', 'd':
		return 4
	case 'L', 'M', 'D':
		return 8
	}
	return 0
}

func (u *ubjson) number(m byte) (any, error) {
	n := size(m)
	if n == 0 {
		return nil, fmt.Errorf("%q is no type", m)
	}
	b, err := u.take(n)
	if err != nil {
		return nil, err
	}
	return decodeNumber(m, b), nil
}

// decodeNumber reads big-endian bytes of the marker's size.
func decodeNumber(m byte, b []byte) float64 {
	switch m {
	case 'i':
		return float64(int8(b[0]))
	case 'U':
		return float64(b[0])
	case 'I':
		return float64(int16(binary.BigEndian.Uint16(b)))
	case 'u':
		return float64(binary.BigEndian.Uint16(b))
	case 'l':
		return float64(int32(binary.BigEndian.Uint32(b)))
	case 'm':
		return float64(binary.BigEndian.Uint32(b))
	case 'd':
		return float64(math.Float32frombits(binary.BigEndian.Uint32(b)))
	case 'L':
		return float64(int64(binary.BigEndian.Uint64(b)))
	case 'M':
		return float64(binary.BigEndian.Uint64(b))
	}
	return math.Float64frombits(binary.BigEndian.Uint64(b))
}

// length reads a count or a size.
func (u *ubjson) length() (int, error) {
	m, err := u.marker()
	if err != nil {
		return 0, err
	}
	if m == 'd' || m == 'D' {
		return 0, errors.New("a length is not a whole number")
	}
	v, err := u.number(m)
	if err != nil {
		return 0, err
	}
	n := v.(float64)
	if n < 0 || n > float64(len(u.data)) {
		return 0, fmt.Errorf("a length of %g is more than the file has", n)
	}
	return int(n), nil
}

// head reads what may stand at the begin of a list or object: $TYPE and #COUNT. Without a count it is -1.
func (u *ubjson) head() (kind byte, count int, err error) {
	count = -1
	if u.skip('$') {
		if kind, err = u.marker(); err != nil {
			return 0, 0, err
		}
	}
	if u.skip('#') {
		count, err = u.length()
	} else if kind != 0 {
		err = errors.New("a type without a count")
	}
	return kind, count, err
}

func (u *ubjson) item(kind byte, depth int) (any, error) {
	if u.items++; u.items > ubjsonBytes*len(u.data) {
		return nil, errors.New("more items than the file can hold")
	}
	if kind != 0 {
		return u.typed(kind, depth)
	}
	return u.value(depth)
}

func (u *ubjson) list(depth int) (any, error) {
	kind, count, err := u.head()
	if err != nil {
		return nil, err
	}
	list := []any{}
	for n := 0; n != count; n++ {
		if count < 0 && u.skip(']') {
			break
		}
		v, err := u.item(kind, depth)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func (u *ubjson) object(depth int) (any, error) {
	kind, count, err := u.head()
	if err != nil {
		return nil, err
	}
	object := map[string]any{}
	for n := 0; n != count; n++ {
		if count < 0 && u.skip('}') {
			break
		}
		size, err := u.length()
		if err != nil {
			return nil, err
		}
		name, err := u.take(size)
		if err != nil {
			return nil, err
		}
		if object[string(name)], err = u.item(kind, depth); err != nil {
			return nil, err
		}
	}
	return object, nil
}
