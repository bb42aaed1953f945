package learn

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// tensor is a vector of a record; with keys it is sparse.
type tensor struct {
	values      []float64
	keys, shape []uint64
}

// The fields of Record, of an entry of its maps, of Value and of tensors.
const (
	recordFeatures, recordLabel             = 1, 2
	entryName, entryValue                   = 1, 2
	valueFloat32, valueFloat64, valueInt32  = 2, 3, 7
	tensorValues, tensorKeys, tensorShape   = 1, 2, 3
	wireVarint, wireFixed64, wireBytes, w32 = 0, 1, 2, 5
)

// field is one field of a protobuf message.
type field struct {
	number, wire int
	content      []byte // of wire types bytes, fixed64 and fixed32
	varint       uint64
}

var errRecord = errors.New("it is no protobuf record of the AWS algorithms")

// eachField gives the fields of a message to f.
func eachField(message []byte, f func(field) error) error {
	for len(message) > 0 {
		tag, n := binary.Uvarint(message)
		if n <= 0 || tag>>3 == 0 || tag>>3 > 1<<29 {
			return errRecord
		}
		at := field{number: int(tag >> 3), wire: int(tag & 7)}
		n, err := at.read(message, n)
		if err != nil {
			return err
		}
		message = message[n:]
		if err := f(at); err != nil {
			return err
		}
	}
	return nil
}

// read reads the field's value behind its tag, which ends at n; it gives where the value ends.
func (f *field) read(message []byte, n int) (int, error) {
	size, rest := 0, message[n:]
	switch f.wire {
	case wireVarint:
		v, k := binary.Uvarint(rest)
		if k <= 0 {
			return 0, errRecord
		}
		f.varint = v
		return n + k, nil
	case wireFixed64:
		size = 8
	case w32:
		size = 4
	case wireBytes:
		v, k := binary.Uvarint(rest)
		if k <= 0 || v > uint64(len(rest)-k) {
			return 0, errRecord
		}
		n, rest, size = n+k, rest[k:], int(v)
	default:
		return 0, errRecord
	}
	if size > len(rest) {
		return 0, errRecord
	}
	f.content = rest[:size]
	return n + size, nil
}

// readRecord finds the maps' entry values, in both.
func readRecord(record []byte, features, labels *tensor) error {
	return eachField(record, func(f field) error {
		switch {
		case f.wire != wireBytes:
		case f.number == recordFeatures:
			return readEntry(f.content, features)
		case f.number == recordLabel:
			return readEntry(f.content, labels)
		}
		return nil
	})
}

func readEntry(entry []byte, into *tensor) error {
	var name, value []byte
	err := eachField(entry, func(f field) error {
		switch f.number {
		case entryName:
			name = f.content
		case entryValue:
			value = f.content
		}
		return nil
	})
	if err != nil || string(name) != "values" {
		return err
	}
	return eachField(value, func(f field) error {
		switch f.number {
		case valueFloat32, valueFloat64, valueInt32:
			return into.read(f.content, f.number)
		}
		return fmt.Errorf("its values are of kind %d; send float32, float64 or int32", f.number)
	})
}

// read reads a tensor whose values are of the kind.
func (t *tensor) read(message []byte, kind int) error {
	return eachField(message, func(f field) error {
		var err error
		switch {
		case f.number == tensorKeys:
			t.keys, err = f.whole(t.keys)
		case f.number == tensorShape:
			t.shape, err = f.whole(t.shape)
		case f.number == tensorValues && kind == valueInt32:
			var whole []uint64
			whole, err = f.whole(nil)
			for _, v := range whole {
				t.values = append(t.values, float64(int32(v)))
			}
		case f.number == tensorValues:
			t.values, err = f.numbers(t.values, kind)
		}
		return err
	})
}

// whole reads a varint or packed ones.
func (f field) whole(out []uint64) ([]uint64, error) {
	if f.wire == wireVarint {
		return append(out, f.varint), nil
	}
	for rest := f.content; len(rest) > 0; {
		v, n := binary.Uvarint(rest)
		if n <= 0 {
			return nil, errRecord
		}
		out, rest = append(out, v), rest[n:]
	}
	return out, nil
}

// numbers reads a number or packed ones, of 4 or 8 bytes.
func (f field) numbers(out []float64, kind int) ([]float64, error) {
	size := 4
	if kind == valueFloat64 {
		size = 8
	}
	if f.wire == wireVarint || len(f.content)%size != 0 {
		return nil, errRecord
	}
	for rest := f.content; len(rest) > 0; rest = rest[size:] {
		v := 0.0
		if size == 4 {
			v = float64(math.Float32frombits(binary.LittleEndian.Uint32(rest)))
		} else {
			v = math.Float64frombits(binary.LittleEndian.Uint64(rest))
		}
		if math.IsInf(v, 0) {
			return nil, errors.New("a value is infinite; send NaN when it is missing")
		}
		out = append(out, v)
	}
	return out, nil
}

// dense is the vector as a row.
func (t *tensor) dense(absent float64) ([]float64, error) {
	if len(t.keys) == 0 && len(t.shape) == 0 {
		if len(t.values) == 0 || len(t.values) > MaxColumns {
			return nil, fmt.Errorf(`it has %d features named "values"; send 1 to %d`, len(t.values), MaxColumns)
		}
		return t.values, nil
	}
	width := uint64(len(t.values))
	if n := len(t.shape); n > 0 {
		width = t.shape[n-1]
	}
	if width == 0 || width > MaxColumns || len(t.keys) == 0 && width != uint64(len(t.values)) {
		return nil, fmt.Errorf("its shape %v does not fit %d values", t.shape[:min(len(t.shape), 4)], len(t.values))
	}
	if len(t.keys) == 0 {
		return t.values, nil
	}
	if len(t.keys) != len(t.values) {
		return nil, fmt.Errorf("it has %d keys and %d values", len(t.keys), len(t.values))
	}
	row := make([]float64, width)
	for i := range row {
		row[i] = absent
	}
	for i, key := range t.keys {
		if key >= width {
			return nil, fmt.Errorf("key %d is beyond its shape of %d", key, width)
		}
		row[key] = t.values[i]
	}
	return row, nil
}
