package feature

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// What a record's value is, as kafka.topics.events.value has it.
const (
	ValueJSON  = "json"
	ValueCSV   = "csv"
	ValueText  = "text"
	ValueBytes = "bytes"
	ValueAvro  = "avro"
)

// Format is what the payloads of a topic are.
type Format struct {
	Value   string   // ValueJSON when empty
	Columns []string // names of the cells of a csv line, in order
	Decoder Decoder  // of an avro topic; may be nil where nothing is read
}

// Decoder makes JSON of a payload that is something else. Its errors hold nothing
// of the payload.
type Decoder interface {
	JSON(payload []byte) ([]byte, error)
}

// isJSON says whether payloads are read as JSON.
func (f Format) isJSON() bool { return f.Value == ValueJSON || f.Value == ValueAvro }

func (f Format) named() bool {
	return f.isJSON() || (f.Value == ValueCSV && len(f.Columns) > 0)
}

// check refuses a Format that is not known.
func (f Format) check() (Format, error) {
	if f.Value == "" {
		f.Value = ValueJSON
	}
	if !slices.Contains([]string{ValueJSON, ValueCSV, ValueText, ValueBytes, ValueAvro}, f.Value) {
		return f, fmt.Errorf("kafka.topics.events.value: %q is not known; use json, csv, text, bytes, avro", f.Value)
	}
	if f.Value != ValueCSV && len(f.Columns) > 0 {
		return f, fmt.Errorf("kafka.topics.events.columns: a %s value has no columns; remove them or set value: csv", f.Value)
	}
	return f, nil
}

// notJSON says where a payload stops being JSON, without saying what is there.
func notJSON(payload []byte) *Error {
	if len(bytes.TrimSpace(payload)) == 0 {
		return undecodable("", "payload is empty; kafka.topics.events.value says json")
	}
	var whole json.RawMessage
	syntax, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(payload, &whole))
	if ok && !strings.Contains(syntax.Error(), "max depth") {
		return undecodable("", fmt.Sprintf("payload is not JSON: it breaks at byte %d of %d; if the topic holds something else, set kafka.topics.events.value", syntax.Offset, len(payload)))
	}
	return undecodable("", fmt.Sprintf("payload is JSON nested more than %d deep; flatten it", maxDepth))
}
