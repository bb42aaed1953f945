package model

import (
	"bytes"
	"math"
	"strconv"
	"strings"
)

// csvCodec sends one line per event, without header and without line end.
type csvCodec struct{ decoder }

// AppendRow appends one line; NaN is an empty cell.
func (csvCodec) AppendRow(dst []byte, row []float64) []byte {
	for i, v := range row {
		if i > 0 {
			dst = append(dst, ',')
		}
		switch {
		case v != v:
		case math.IsInf(v, 0):
			dst = strconv.AppendFloat(dst, v, 'g', -1, 64)
		default:
			dst = appendNumber(dst, v)
		}
	}
	return dst
}

// Encode makes a line of a list of numbers, booleans, nulls and texts.
func (c csvCodec) Encode(value any) ([]byte, error) {
	if row, ok := value.([]float64); ok && len(row) > 0 && allFinite(row) {
		return c.AppendRow(nil, row), nil
	}
	list, err := cells(value)
	if err != nil {
		return nil, err
	}
	var line []byte
	for i, v := range list {
		if i > 0 {
			line = append(line, ',')
		}
		switch v := v.(type) {
		case string:
			line = appendText(line, v)
		case float64:
			if v == v {
				line = appendNumber(line, v)
			}
		}
	}
	return line, nil
}

func allFinite(row []float64) bool {
	for _, v := range row {
		if math.IsInf(v, 0) {
			return false
		}
	}
	return true
}

// appendText quotes a text cell where RFC 4180 asks for it.
func appendText(dst []byte, s string) []byte {
	if !strings.ContainsAny(s, "\",\r\n") {
		return append(dst, s...)
	}
	dst = append(dst, '"')
	dst = append(dst, strings.ReplaceAll(s, `"`, `""`)...)
	return append(dst, '"')
}

// Joinable: exactly one line. An empty line would vanish among others.
func (csvCodec) Joinable(body []byte) bool { return isOneLine(body) }

// Join writes line after line, without a line end at the end.
func (csvCodec) Join(items []Item) []byte { return joinLines(items) }

func isOneLine(body []byte) bool {
	line := trimLineEnd(body)
	return len(line) > 0 && bytes.IndexByte(line, '\n') < 0 && bytes.IndexByte(line, '\r') < 0
}

func joinLines(items []Item) []byte {
	if len(items) == 1 {
		return items[0].Body
	}
	size := 0
	for i := range items {
		size += len(items[i].Body) + 1
	}
	out := make([]byte, 0, size)
	for i := range items {
		if i > 0 {
			out = append(out, '\n')
		}
		out = append(out, trimLineEnd(items[i].Body)...)
	}
	return out
}

func trimLineEnd(b []byte) []byte {
	b = bytes.TrimSuffix(b, []byte("\n"))
	return bytes.TrimSuffix(b, []byte("\r"))
}
