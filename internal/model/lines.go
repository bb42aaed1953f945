package model

import (
	"math"
	"strconv"
)

// linesCodec sends one JSON value per line.
type linesCodec struct{ decoder }

// AppendRow appends one list; NaN is null.
func (linesCodec) AppendRow(dst []byte, row []float64) []byte { return appendJSONRow(dst, row) }

// Encode makes one line of any value.
func (linesCodec) Encode(value any) ([]byte, error) { return encodeJSON(value) }

// Joinable: exactly one line.
func (linesCodec) Joinable(body []byte) bool { return isOneLine(body) }

// Join writes line after line, without a line end at the end.
func (linesCodec) Join(items []Item) []byte { return joinLines(items) }

// svmCodec sends one line of index:value pairs per event, the label 0 before
// them; the first value has index 0, as the SageMaker containers read it.
type svmCodec struct{ decoder }

// AppendRow appends one line; a missing value has no pair.
func (svmCodec) AppendRow(dst []byte, row []float64) []byte {
	dst = append(dst, '0')
	for i, v := range row {
		if math.IsNaN(v) {
			continue
		}
		dst = append(dst, ' ')
		dst = strconv.AppendInt(dst, int64(i), 10)
		dst = append(dst, ':')
		dst = appendNumber(dst, v)
	}
	return dst
}

// Encode makes a line of a list of numbers.
func (c svmCodec) Encode(value any) ([]byte, error) {
	row, err := numbers(value)
	if err != nil {
		return nil, err
	}
	return c.AppendRow(nil, row), nil
}

// Joinable: exactly one line.
func (svmCodec) Joinable(body []byte) bool { return isOneLine(body) }

// Join writes line after line, without a line end at the end.
func (svmCodec) Join(items []Item) []byte { return joinLines(items) }
