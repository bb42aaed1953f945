package model

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// decode makes JSON of the body of one answer. The result may share memory with body.
func decode(body []byte, contentType string) (json.RawMessage, error) {
	if kindOf(contentType) == kindRecord && len(body) > 0 {
		return decodeFrames(body)
	}
	trimmed := bytes.TrimSpace(body)
	if len(trimmed) == 0 {
		return nil, errors.New("the answer is empty")
	}
	if isPage(contentType) {
		return nil, errors.New("the answer is a web page (text/html); the url seems to lead to something else than a model")
	}
	switch answerKind(trimmed, contentType) {
	case kindJSON:
		if !json.Valid(trimmed) {
			return decodeNotJSON(trimmed, contentType)
		}
		return trimmed, nil
	case kindLines:
		return decodeLines(trimmed)
	case kindCSV:
		return decodeCSV(trimmed)
	case kindBytes:
		return decodeBytes(body), nil
	}
	return decodeText(trimmed), nil
}

// readable says why decode would fail, for less than decode does where it would not.
func readable(body []byte, contentType string) error {
	trimmed := bytes.TrimSpace(body)
	if k := kindOf(contentType); len(trimmed) > 0 && !isPage(contentType) && (k == kindCSV || k == kindText) && bytes.IndexByte(trimmed, '"') < 0 {
		return nil
	}
	_, err := decode(body, contentType)
	return err
}

// decodeNotJSON: only a body that claims to be JSON and is not is an error.
func decodeNotJSON(body []byte, contentType string) (json.RawMessage, error) {
	if kindOf(contentType) == kindJSON {
		return nil, errors.New("the answer says it is JSON and is not")
	}
	return decodeText(body), nil
}

func decodeLines(body []byte) (json.RawMessage, error) {
	lines := bytes.Split(body, []byte("\n"))
	for i, line := range lines {
		if !json.Valid(line) {
			return nil, fmt.Errorf("line %d of the answer is not JSON", i+1)
		}
	}
	if len(lines) == 1 {
		return lines[0], nil
	}
	return joinJSON(lines), nil
}

func decodeCSV(body []byte) (json.RawMessage, error) {
	if bytes.IndexByte(body, '"') >= 0 {
		return decodeQuotedCSV(body)
	}
	var rows [][]byte
	for line := range bytes.SplitSeq(body, []byte("\n")) {
		var row [][]byte
		for c := range bytes.SplitSeq(line, []byte(",")) {
			row = append(row, jsonCell(bytes.TrimSpace(c)))
		}
		rows = append(rows, oneOrList(row))
	}
	return oneOrList(rows), nil
}

func decodeQuotedCSV(body []byte) (json.RawMessage, error) {
	r := csv.NewReader(bytes.NewReader(body))
	r.FieldsPerRecord = -1
	records, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("the answer is not csv: %w", errors.Unwrap(err))
	}
	var rows [][]byte
	for _, record := range records {
		var row [][]byte
		for _, c := range record {
			row = append(row, jsonCell([]byte(c)))
		}
		rows = append(rows, oneOrList(row))
	}
	return oneOrList(rows), nil
}

// jsonCell makes a number of what is one, null of nothing and a string of the rest.
func jsonCell(c []byte) []byte {
	if len(c) == 0 {
		return []byte("null")
	}
	if f, err := strconv.ParseFloat(string(c), 64); err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
		if json.Valid(c) {
			return c // as the model wrote it
		}
		return appendNumber(nil, f)
	}
	return decodeText(c)
}

func oneOrList(parts [][]byte) json.RawMessage {
	if len(parts) == 1 {
		return parts[0]
	}
	return joinJSON(parts)
}

func joinJSON(parts [][]byte) json.RawMessage {
	out := append([]byte{'['}, bytes.Join(parts, []byte(","))...)
	return append(out, ']')
}

func decodeBytes(body []byte) json.RawMessage {
	if utf8.Valid(body) {
		return decodeText(body)
	}
	return decodeText([]byte(base64.StdEncoding.EncodeToString(body)))
}

// decodeText makes a JSON string; bytes that are no UTF-8 become U+FFFD.
func decodeText(text []byte) json.RawMessage {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(string(text)); err != nil {
		return json.RawMessage(`""`) // a string always encodes
	}
	return trimLineEnd(buf.Bytes())
}
