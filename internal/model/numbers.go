package model

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// appendNumber writes a finite number in the shortest form that reads back the
// same; whole numbers, which most features are, take the short way.
func appendNumber(dst []byte, v float64) []byte {
	const exact = 1 << 53
	if n := int64(v); v > -exact && v < exact && float64(n) == v {
		return strconv.AppendInt(dst, n, 10)
	}
	format := byte('f')
	if a := math.Abs(v); a < 1e-6 || a >= 1e21 {
		format = 'e'
	}
	return strconv.AppendFloat(dst, v, format, -1, 64)
}

// appendJSONNumber writes null for what JSON cannot say.
func appendJSONNumber(dst []byte, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(dst, "null"...)
	}
	return appendNumber(dst, v)
}

// cells makes a list of cells of a request value; each is a float64 (NaN: empty) or a string.
func cells(value any) ([]any, error) {
	switch list := value.(type) {
	case []any:
		return cellsOf(list)
	case []float64:
		return cellsOf(list)
	case []float32:
		return cellsOf(list)
	case []int:
		return cellsOf(list)
	case []int64:
		return cellsOf(list)
	case []string:
		return cellsOf(list)
	}
	return nil, fmt.Errorf("the request is %s, not a list; write for example [amount, hour]", kindName(value))
}

func cellsOf[T any](list []T) ([]any, error) {
	if len(list) == 0 {
		return nil, fmt.Errorf("the request is an empty list; name at least one value")
	}
	out := make([]any, len(list))
	for i, v := range list {
		c, err := cell(v)
		if err != nil {
			return nil, fmt.Errorf("value %d of the request: %w", i+1, err)
		}
		out[i] = c
	}
	return out, nil
}

func cell(v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return math.NaN(), nil
	case string:
		return v, nil
	case json.Number:
		return finite(v.Float64())
	case bool:
		if v {
			return 1.0, nil
		}
		return 0.0, nil
	}
	f, ok := toFloat(v)
	if !ok {
		return nil, fmt.Errorf("it is %s, not a number", kindName(v))
	}
	return finite(f, nil)
}

func finite(f float64, err error) (any, error) {
	if err != nil {
		return nil, fmt.Errorf("it is not a number that fits 64 bits")
	}
	if math.IsInf(f, 0) {
		return nil, errInfinite
	}
	return f, nil
}

func toFloat(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case float32:
		return float64(v), true
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case int32:
		return float64(v), true
	case uint64:
		return float64(v), true
	case uint32:
		return float64(v), true
	case uint:
		return float64(v), true
	}
	return 0, false
}

// kindName names a value without showing it: payloads stay out of errors.
func kindName(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string, []byte:
		return "a text"
	case map[string]any:
		return "an object"
	case []any, []float64, []int, []string:
		return "a list"
	}
	if _, ok := toFloat(v); ok {
		return "a number"
	}
	return fmt.Sprintf("a %T", v)
}

// numbers makes a row of a request value; NaN is a missing value.
func numbers(value any) ([]float64, error) {
	list, err := cells(value)
	if err != nil {
		return nil, err
	}
	row := make([]float64, len(list))
	for i, v := range list {
		f, ok := v.(float64)
		if !ok {
			return nil, fmt.Errorf("value %d of the request is %s, not a number", i+1, kindName(v))
		}
		row[i] = f
	}
	return row, nil
}
