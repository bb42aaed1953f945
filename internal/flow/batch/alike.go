package batch

import (
	"encoding/json"
	"math"

	"betimes/internal/model"
)

// read makes a value of an answer: its predictions, where it says which they are.
// What stands beside them (an id, a time) may be another each time.
func read(codec model.Codec, body []byte, contentType string) (any, error) {
	text, err := codec.Decode(body, contentType)
	if err != nil {
		return nil, err
	}
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return nil, err
	}
	if object, is := v.(map[string]any); is {
		if predictions, has := object["predictions"]; has {
			return predictions, nil
		}
	}
	return v, nil
}

const (
	tolerance = 1e-4 // relative: sums of many float32 in another order
	nothing   = 1e-6
)

// alike says whether two answers are the same but for rounding.
func alike(a, b any) bool {
	switch a := a.(type) {
	case float64:
		b, is := b.(float64)
		return is && math.Abs(a-b) <= max(nothing, tolerance*max(math.Abs(a), math.Abs(b)))
	case []any:
		b, is := b.([]any)
		if !is || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !alike(a[i], b[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		b, is := b.(map[string]any)
		if !is || len(a) != len(b) {
			return false
		}
		for k := range a {
			if other, has := b[k]; !has || !alike(a[k], other) {
				return false
			}
		}
		return true
	}
	return a == b
}
