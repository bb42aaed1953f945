package oip

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// appendScalar appends an element that is written in JSON.
func appendScalar(dst []byte, d datatype, scalar []byte) ([]byte, error) {
	switch scalar[0] {
	case '"':
		if d != typeBytes {
			return dst, fmt.Errorf("it holds a text, %s wants a number", d)
		}
		return appendJSONText(dst, scalar)
	case 'n':
		if !d.isFloat() {
			return dst, fmt.Errorf("it holds null, %s has no missing value", d)
		}
		return appendFloat(dst, d, math.NaN())
	case 't', 'f':
		return appendTruth(dst, d, scalar[0] == 't')
	}
	return appendNumber(dst, d, scalar)
}

// appendCell appends an element that is a cell of csv.
func appendCell(dst []byte, d datatype, cell []byte) ([]byte, error) {
	if d == typeBytes {
		return appendText(dst, cell), nil
	}
	cell = bytes.TrimSpace(cell)
	switch string(cell) {
	case "":
		return appendScalar(dst, d, []byte("null"))
	case "true", "false":
		return appendTruth(dst, d, cell[0] == 't')
	}
	return appendNumber(dst, d, cell)
}

func appendJSONText(dst, quoted []byte) ([]byte, error) {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return appendText(dst, inner), nil
	}
	var text string
	if err := json.Unmarshal(quoted, &text); err != nil {
		return dst, errors.New("it holds a text that cannot be read")
	}
	return appendText(dst, []byte(text)), nil
}

func appendText(dst, text []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(text)))
	return append(dst, text...)
}

func appendTruth(dst []byte, d datatype, yes bool) ([]byte, error) {
	n := byte('0')
	if yes {
		n = '1'
	}
	if d == typeBytes {
		return dst, errors.New("it holds a boolean, BYTES wants a text")
	}
	return appendNumber(dst, d, []byte{n})
}

// appendNumber appends a number as people write it.
func appendNumber(dst []byte, d datatype, text []byte) ([]byte, error) {
	switch {
	case d == typeBytes:
		return dst, errors.New("it holds a number, BYTES wants a text")
	case d.isFloat():
		x, err := strconv.ParseFloat(string(text), 64)
		if err != nil {
			return dst, errNumber(d)
		}
		return appendFloat(dst, d, x)
	}
	return appendWhole(dst, d, string(text))
}

func errNumber(d datatype) error { return fmt.Errorf("it holds what is no number of %s", d) }

// appendWhole appends a whole number; 3.0 and 3e2 are whole too.
func appendWhole(dst []byte, d datatype, text string) ([]byte, error) {
	bits := max(d.size(), 1) * 8
	var u uint64
	var err error
	if d.isSigned() {
		var i int64
		i, err = strconv.ParseInt(text, 10, bits)
		u = uint64(i)
	} else {
		u, err = strconv.ParseUint(text, 10, bits)
	}
	if errors.Is(err, strconv.ErrSyntax) {
		u, err = wholeOf(d, text)
	}
	if err != nil || d == typeBool && u > 1 {
		return dst, errNumber(d)
	}
	return appendBits(dst, d.size(), u), nil
}

func wholeOf(d datatype, text string) (uint64, error) {
	const exact = 1 << 53
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || x != math.Trunc(x) || math.Abs(x) > exact {
		return 0, errNumber(d)
	}
	whole := strconv.FormatInt(int64(x), 10)
	if d.isSigned() {
		i, err := strconv.ParseInt(whole, 10, d.size()*8)
		return uint64(i), err
	}
	return strconv.ParseUint(whole, 10, d.size()*8)
}

func appendBits(dst []byte, size int, u uint64) []byte {
	for range size {
		dst = append(dst, byte(u))
		u >>= 8
	}
	return dst
}

// appendFloat appends a number in d's precision; a finite one that d cannot hold
// is refused.
func appendFloat(dst []byte, d datatype, x float64) ([]byte, error) {
	switch d {
	case typeFP64:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(x)), nil
	case typeFP32:
		if f := float32(x); !math.IsInf(float64(f), 0) || math.IsInf(x, 0) {
			return binary.LittleEndian.AppendUint32(dst, math.Float32bits(f)), nil
		}
	case typeFP16:
		if h, ok := toHalf(x); ok {
			return binary.LittleEndian.AppendUint16(dst, h), nil
		}
	case typeBF16:
		if h, ok := toBrain(x); ok {
			return binary.LittleEndian.AppendUint16(dst, h), nil
		}
	}
	return dst, fmt.Errorf("it holds a number too large for %s", d)
}

// bitsAt reads one element of a number.
func bitsAt(data []byte, size int) uint64 {
	var u uint64
	for i := range size {
		u |= uint64(data[i]) << (8 * i)
	}
	return u
}

// floatAt reads one element of a floating kind, and how many bits wide it is
// written best.
func floatAt(d datatype, data []byte) (x float64, bits int) {
	switch d {
	case typeFP64:
		return math.Float64frombits(binary.LittleEndian.Uint64(data)), 64
	case typeFP32:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(data))), 32
	case typeFP16:
		return fromHalf(binary.LittleEndian.Uint16(data)), 32
	}
	return fromBrain(binary.LittleEndian.Uint16(data)), 32
}
