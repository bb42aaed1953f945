package metrics

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// The Query protocol has texts only, so a number, a flag or a moment may come as one.

// number is a double.
type number float64

// UnmarshalJSON reads 1.5, "1.5" and "NaN".
func (n *number) UnmarshalJSON(text []byte) error {
	v, err := strconv.ParseFloat(bare(text), 64)
	*n = number(v)
	return err
}

// MarshalJSON writes what UnmarshalJSON reads.
func (n number) MarshalJSON() ([]byte, error) {
	v := float64(n)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return strconv.AppendQuote(nil, strconv.FormatFloat(v, 'g', -1, 64)), nil
	}
	return strconv.AppendFloat(nil, v, 'g', -1, 64), nil
}

// whole is an integer.
type whole int

// UnmarshalJSON reads 60, 60.0 and "60".
func (w *whole) UnmarshalJSON(text []byte) error {
	v, err := strconv.ParseFloat(bare(text), 64)
	if err == nil && (v != math.Trunc(v) || math.Abs(v) > math.MaxInt32) {
		err = fmt.Errorf("%s is not a 32-bit integer", text)
	}
	if err != nil {
		return err
	}
	*w = whole(v)
	return nil
}

// flag is a boolean.
type flag bool

// UnmarshalJSON reads true and "true".
func (f *flag) UnmarshalJSON(text []byte) error {
	v, err := strconv.ParseBool(strings.ToLower(bare(text)))
	*f = flag(v)
	return err
}

// moment is a timestamp.
type moment struct{ time.Time }

// maxEpoch is the last second of the year 9999.
const maxEpoch = 253402300799

// UnmarshalJSON reads seconds since 1970 and ISO 8601.
func (m *moment) UnmarshalJSON(text []byte) error {
	word := bare(text)
	if seconds, err := strconv.ParseFloat(word, 64); err == nil && math.Abs(seconds) <= maxEpoch {
		m.Time = time.UnixMilli(int64(math.Round(seconds * 1000))).UTC()
		return nil
	}
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02"} {
		if t, err := time.Parse(form, word); err == nil {
			m.Time = t.UTC()
			return nil
		}
	}
	return fmt.Errorf("%s is not a timestamp", text)
}

// MarshalJSON writes seconds since 1970.
func (m moment) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(m.UnixMilli())/1000, 'f', 3, 64), nil
}

func bare(text []byte) string { return strings.Trim(string(text), `"`) }
