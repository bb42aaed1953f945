package control

import (
	"bytes"
	"encoding/json"
)

// lean takes nulls out of a request: for AWS they are members that are absent.
// What is no JSON stays as it is.
func lean(body []byte) []byte {
	if !bytes.Contains(body, []byte("null")) {
		return body
	}
	in := json.NewDecoder(bytes.NewReader(body))
	in.UseNumber()
	var v any
	if in.Decode(&v) != nil || in.More() {
		return body
	}
	without, err := json.Marshal(withoutNulls(v))
	if err != nil {
		return body
	}
	return without
}

func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			if inner == nil {
				delete(v, name)
				continue
			}
			v[name] = withoutNulls(inner)
		}
		return v
	case []any:
		kept := v[:0]
		for _, inner := range v {
			if inner != nil {
				kept = append(kept, withoutNulls(inner))
			}
		}
		return kept
	}
	return v
}
