package pointer

import (
	"math"
	"strconv"
	"time"

	"github.com/valyala/fastjson"
)

// Scalar gives the bytes of a string or number; nil for anything else.
func Scalar(v *fastjson.Value) []byte {
	if v == nil || v.Type() != fastjson.TypeString && v.Type() != fastjson.TypeNumber {
		return nil
	}
	return Bytes(v)
}

// Time reads RFC 3339, or Unix seconds, milliseconds or microseconds told
// apart by size. The zero time means that it is none of these.
func Time(v *fastjson.Value) time.Time {
	text := Scalar(v)
	if text == nil {
		return time.Time{}
	}
	if v.Type() == fastjson.TypeString {
		if t, err := time.Parse(time.RFC3339Nano, string(text)); err == nil {
			return t
		}
	}
	n, err := strconv.ParseFloat(string(text), 64)
	switch {
	case err != nil || n <= 0 || math.IsNaN(n):
		return time.Time{}
	case n < 1e11: // until the year 5138
		return time.UnixMicro(int64(n * 1e6))
	case n < 1e14:
		return time.UnixMicro(int64(n * 1e3))
	case n < 1e17:
		return time.UnixMicro(int64(n))
	}
	return time.Time{}
}
