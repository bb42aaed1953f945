package registry

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/avro"
)

// maxJSONBytes bounds what one record may become.
const maxJSONBytes = 32 << 20

// appendValue writes a decoded value as people write JSON: a union is its value,
// times are RFC 3339, times of day seconds, decimals exact numbers, bytes base64,
// and what is no finite number is null.
func appendValue(dst []byte, v any) ([]byte, error) {
	if len(dst) > maxJSONBytes {
		return nil, errLarge
	}
	switch v := v.(type) {
	case map[string]any:
		return appendRecord(dst, v)
	case []any:
		return appendList(dst, v)
	case string:
		return appendText(dst, v), nil
	case []byte:
		return appendText(dst, base64.StdEncoding.EncodeToString(v)), nil
	case [16]byte:
		return appendText(dst, uuid(v)), nil
	case time.Time:
		return appendText(dst, v.UTC().Format(time.RFC3339Nano)), nil
	case time.Duration:
		return appendFloat(dst, v.Seconds(), 64), nil
	case avro.Duration:
		return fmt.Appendf(dst, `{"months":%d,"days":%d,"milliseconds":%d}`, v.Months, v.Days, v.Milliseconds), nil
	}
	return appendScalar(dst, v)
}

func appendScalar(dst []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...), nil
	case bool:
		return strconv.AppendBool(dst, v), nil
	case int32:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(dst, v, 10), nil
	case float32:
		return appendFloat(dst, float64(v), 32), nil
	case float64:
		return appendFloat(dst, v, 64), nil
	case *big.Rat:
		return appendDecimal(dst, v), nil
	}
	return nil, fmt.Errorf("a value of kind %T has no JSON", v)
}

func appendRecord(dst []byte, record map[string]any) ([]byte, error) {
	dst = append(dst, '{')
	var err error
	for i, name := range slices.Sorted(maps.Keys(record)) {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = appendValue(append(appendText(dst, name), ':'), record[name]); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

func appendList(dst []byte, list []any) ([]byte, error) {
	dst = append(dst, '[')
	var err error
	for i, v := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = appendValue(dst, v); err != nil {
			return nil, err
		}
	}
	return append(dst, ']'), nil
}

func appendFloat(dst []byte, x float64, bits int) []byte {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return append(dst, "null"...)
	}
	format := byte('f')
	if a := math.Abs(x); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, x, format, -1, bits)
}

// appendDecimal writes every digit: a decimal's denominator is a power of ten.
func appendDecimal(dst []byte, r *big.Rat) []byte {
	digits, _ := r.FloatPrec()
	return append(dst, r.FloatString(digits)...)
}

func uuid(b [16]byte) string {
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// appendText writes a JSON string; bytes that are no UTF-8 become U+FFFD.
func appendText(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			return appendEscaped(dst, s)
		}
	}
	return append(append(append(dst, '"'), s...), '"')
}

func appendEscaped(dst []byte, s string) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return append(dst, `""`...) // a string always encodes
	}
	return append(dst, bytes.TrimRight(buf.Bytes(), "\n")...)
}
