package model

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// recordCodec sends one protobuf record in one RecordIO frame per event, as the
// AWS algorithms take them:
//
//	frame: magic · length of the record · record · zeros up to a multiple of 4
//	record: features {"values": float32s}; in an answer: label {name: float32s}
type recordCodec struct{ decoder }

const recordMagic = 0xCED7230A

// AppendRow appends one frame; a missing value is NaN.
func (recordCodec) AppendRow(dst []byte, row []float64) []byte {
	packed := make([]byte, 0, 4*len(row))
	for _, v := range row {
		packed = binary.LittleEndian.AppendUint32(packed, math.Float32bits(float32(v)))
	}
	value := appendProto(nil, 2, appendProto(nil, 1, packed)) // float32_tensor: values
	record := appendProto(nil, 1, appendProto(appendProto(nil, 1, []byte("values")), 2, value))
	dst = binary.LittleEndian.AppendUint32(dst, recordMagic)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(record)))
	dst = append(dst, record...)
	return append(dst, make([]byte, -len(record)&3)...)
}

// appendProto appends a protobuf field of bytes.
func appendProto(dst []byte, number uint64, content []byte) []byte {
	dst = binary.AppendUvarint(dst, number<<3|2)
	dst = binary.AppendUvarint(dst, uint64(len(content)))
	return append(dst, content...)
}

// Encode makes a frame of a list of numbers.
func (c recordCodec) Encode(value any) ([]byte, error) {
	row, err := numbers(value)
	if err != nil {
		return nil, err
	}
	return c.AppendRow(nil, row), nil
}

// Joinable: exactly one frame.
func (recordCodec) Joinable(body []byte) bool {
	frames, err := frames(body)
	return err == nil && len(frames) == 1 && len(body)%4 == 0
}

// Join writes frame after frame.
func (recordCodec) Join(items []Item) []byte {
	if len(items) == 1 {
		return items[0].Body
	}
	var out []byte
	for i := range items {
		out = append(out, items[i].Body...)
	}
	return out
}

var errFrame = errors.New("the answer is not made of RecordIO frames")

// frames parts a body into its frames, each with its head and zeros. The zeros of
// the last one may be missing.
func frames(body []byte) ([][]byte, error) {
	var out [][]byte
	for len(body) > 0 {
		if len(body) < 8 || binary.LittleEndian.Uint32(body) != recordMagic {
			return nil, errFrame
		}
		size := uint64(binary.LittleEndian.Uint32(body[4:]))
		if size > uint64(len(body)-8) {
			return nil, errFrame
		}
		end := min(8+int(size)+int(-size&3), len(body))
		out, body = append(out, body[:end:end]), body[end:]
	}
	return out, nil
}

func splitFrames(body []byte, n int) ([][]byte, error) {
	parts, err := frames(body)
	if err == nil && len(parts) != n {
		err = miscounted(len(parts), n)
	}
	if err != nil {
		return nil, err
	}
	return parts, nil
}

// decodeFrames makes an object of the labels of one record, a list of several.
func decodeFrames(body []byte) (json.RawMessage, error) {
	parts, err := frames(body)
	if err != nil {
		return nil, err
	}
	rows := make([][]byte, len(parts))
	for i, p := range parts {
		size := binary.LittleEndian.Uint32(p[4:])
		labels, err := readLabels(p[8 : 8+size])
		if err == nil {
			rows[i], err = json.Marshal(labels)
		}
		if err != nil {
			return nil, fmt.Errorf("record %d of the answer: %w", i+1, err)
		}
	}
	return oneOrList(rows), nil
}

// readLabels reads the map label of a record: name → a number, or a list.
func readLabels(record []byte) (map[string]any, error) {
	labels := map[string]any{}
	err := fields(record, func(number uint64, content []byte) error {
		if number != 2 {
			return nil
		}
		var name string
		var value any
		err := fields(content, func(number uint64, content []byte) (err error) {
			switch number {
			case 1:
				name = string(content)
			case 2:
				value, err = readValue(content)
			}
			return err
		})
		labels[name] = value
		return err
	})
	if err == nil && len(labels) == 0 {
		err = errors.New("it has no label")
	}
	return labels, err
}

// readValue reads the float32 or float64 values of a tensor.
func readValue(value []byte) (any, error) {
	var all []any
	err := fields(value, func(kind uint64, tensor []byte) error {
		return fields(tensor, func(number uint64, packed []byte) error {
			if number != 1 || kind != 2 && kind != 3 {
				return nil
			}
			all = append(all, unpack(packed, kind == 3)...)
			return nil
		})
	})
	if err != nil || len(all) == 1 {
		if err == nil {
			return all[0], nil
		}
		return nil, err
	}
	return all, nil
}

// unpack reads packed numbers; those that JSON cannot say are null.
func unpack(packed []byte, double bool) []any {
	width := 4
	if double {
		width = 8
	}
	var out []any
	for ; len(packed) >= width; packed = packed[width:] {
		var v any
		if f := unpackOne(packed, double); !math.IsNaN(f) && !math.IsInf(f, 0) {
			v = json.Number(strconv.FormatFloat(f, 'g', -1, width*8))
		}
		out = append(out, v)
	}
	return out
}

func unpackOne(packed []byte, double bool) float64 {
	if double {
		return math.Float64frombits(binary.LittleEndian.Uint64(packed))
	}
	return float64(math.Float32frombits(binary.LittleEndian.Uint32(packed)))
}

var errProto = errors.New("it is not a protobuf record")

// fields calls f for each field of bytes of a protobuf message. Fields of another
// wire type are skipped, but for a single float32, which counts as packed.
func fields(message []byte, f func(number uint64, content []byte) error) error {
	for len(message) > 0 {
		tag, n := binary.Uvarint(message)
		if n <= 0 {
			return errProto
		}
		content, rest, ok := fieldOf(message[n:], tag&7)
		if !ok {
			return errProto
		}
		if message = rest; content == nil {
			continue
		}
		if err := f(tag>>3, content); err != nil {
			return err
		}
	}
	return nil
}

// fieldOf gives the content of a field of a wire type, nil when it is a varint.
func fieldOf(b []byte, wire uint64) (content, rest []byte, ok bool) {
	size := uint64(0)
	switch wire {
	case 0:
		_, n := binary.Uvarint(b)
		return nil, b[max(n, 0):], n > 0
	case 1:
		size = 8
	case 5:
		size = 4
	case 2:
		length, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, nil, false
		}
		size, b = length, b[n:]
	default:
		return nil, nil, false
	}
	if size > uint64(len(b)) {
		return nil, nil, false
	}
	return b[:size:size], b[size:], true
}
