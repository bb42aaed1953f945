package model

import (
	"bytes"
	"encoding/json"
)

// RecordError is what the answer for one event says in place of a prediction: the
// text in a member of its only prediction, {"predictions":[{"error":"…"}]}, or of
// the answer itself. Empty: it says none. The answer is JSON, as Decode gives it.
func RecordError(answer json.RawMessage, member string) string {
	if member == "" || !bytes.Contains(answer, []byte(`"`+member+`"`)) {
		return ""
	}
	if l, ok := findList(answer); ok && len(l.elements) == 1 {
		if text := textIn(l.elements[0], member); text != "" {
			return text
		}
	}
	return textIn(answer, member)
}

// textIn is the text in a member of an object; a number or null is none.
func textIn(value []byte, member string) string {
	var object map[string]json.RawMessage
	var text string
	if json.Unmarshal(value, &object) != nil || json.Unmarshal(object[member], &text) != nil {
		return ""
	}
	return Excerpt([]byte(text))
}
