package oip

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// The messages of the service inference.GRPCInferenceService, written and read by
// hand: a handful of fields, and no copy of the tensors.

var errMessage = errors.New("the answer is no message of the protocol")

// question is ModelInferRequest.
type question struct {
	model, version, id string
	parameters         map[string]string
	inputs             []tensor
	outputs            []string
	raw                bool // tensors as bytes, not as lists
}

func (q *question) append(b []byte) []byte {
	b = appendName(b, 1, q.model)
	b = appendName(b, 2, q.version)
	b = appendName(b, 3, q.id)
	for name, text := range q.parameters {
		b = appendParameter(b, 4, name, text)
	}
	for i := range q.inputs {
		b = appendMessage(b, 5, q.appendInput(nil, &q.inputs[i]))
	}
	for _, name := range q.outputs {
		b = appendMessage(b, 6, appendName(nil, 1, name))
	}
	if q.raw {
		for i := range q.inputs {
			b = appendMessage(b, 7, q.inputs[i].data)
		}
	}
	return b
}

func (q *question) size() int {
	n := 256
	for i := range q.inputs {
		n += len(q.inputs[i].data) + 128
	}
	return n
}

func (q *question) appendInput(b []byte, t *tensor) []byte {
	b = appendName(b, 1, t.name)
	b = appendName(b, 2, t.datatype.String())
	var packed []byte
	for _, d := range t.shape {
		packed = protowire.AppendVarint(packed, uint64(d))
	}
	b = appendMessage(b, 3, packed)
	for name, v := range t.parameters {
		b = appendParameter(b, 4, name, v)
	}
	if !q.raw {
		b = appendMessage(b, 5, appendContents(nil, t))
	}
	return b
}

func appendMessage(b []byte, field protowire.Number, inner []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), inner)
}

// appendName leaves an empty text out, as protocol buffers do.
func appendName(b []byte, field protowire.Number, text string) []byte {
	if text == "" {
		return b
	}
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), text)
}

func appendParameter(b []byte, field protowire.Number, name string, value any) []byte {
	var v []byte
	switch value := value.(type) {
	case string:
		v = protowire.AppendString(protowire.AppendTag(v, 3, protowire.BytesType), value)
	case bool:
		v = protowire.AppendVarint(protowire.AppendTag(v, 1, protowire.VarintType), protowire.EncodeBool(value))
	case float64:
		if value == math.Trunc(value) && math.Abs(value) < 1<<53 {
			v = protowire.AppendVarint(protowire.AppendTag(v, 2, protowire.VarintType), uint64(int64(value)))
		} else {
			v = protowire.AppendFixed64(protowire.AppendTag(v, 4, protowire.Fixed64Type), math.Float64bits(value))
		}
	}
	return appendMessage(b, field, appendMessage(appendName(nil, 1, name), 2, v))
}

// contentsField is the list of InferTensorContents that a datatype is in; 0: none,
// it travels as bytes only.
func contentsField(d datatype) protowire.Number {
	switch d {
	case typeBool:
		return 1
	case typeInt8, typeInt16, typeInt32:
		return 2
	case typeInt64:
		return 3
	case typeUint8, typeUint16, typeUint32:
		return 4
	case typeUint64:
		return 5
	case typeFP32:
		return 6
	case typeFP64:
		return 7
	case typeBytes:
		return 8
	}
	return 0
}

// appendContents writes InferTensorContents.
func appendContents(b []byte, t *tensor) []byte {
	field, size := contentsField(t.datatype), t.datatype.size()
	if t.datatype == typeBytes {
		_ = t.each(func(e element) error { b = appendMessage(b, field, e.data); return nil })
		return b
	}
	if t.datatype.isFloat() {
		return appendMessage(b, field, t.data) // packed little endian, as ours
	}
	packed := make([]byte, 0, len(t.data))
	_ = t.each(func(e element) error {
		u := bitsAt(e.data, size)
		if t.datatype.isSigned() {
			shift := 64 - 8*size
			u = uint64(int64(u<<shift) >> shift)
		}
		packed = protowire.AppendVarint(packed, u)
		return nil
	})
	return appendMessage(b, field, packed)
}

// fields calls f with each field of a message; f gives how many bytes its value took.
func fields(b []byte, f func(n protowire.Number, kind protowire.Type, value []byte) int) error {
	for len(b) > 0 {
		n, kind, used := protowire.ConsumeTag(b)
		if used < 0 {
			return errMessage
		}
		b = b[used:]
		if used = f(n, kind, b); used == 0 {
			used = protowire.ConsumeFieldValue(n, kind, b)
		}
		if used < 0 {
			return errMessage
		}
		b = b[used:]
	}
	return nil
}

// bytesOf reads a field of bytes, a text or a message; nothing of another kind.
func bytesOf(kind protowire.Type, value []byte) ([]byte, int) {
	if kind != protowire.BytesType {
		return nil, 0
	}
	return protowire.ConsumeBytes(value)
}

// read reads ModelInferResponse.
func (r *result) read(b []byte) error {
	var raw [][]byte
	var inner error
	err := fields(b, func(n protowire.Number, kind protowire.Type, value []byte) int {
		v, used := bytesOf(kind, value)
		if used <= 0 {
			return used
		}
		switch n {
		case 2:
			r.version = string(v)
		case 3:
			r.id = string(v)
		case 5:
			var t tensor
			if t, inner = readOutput(v); inner != nil {
				return -1
			}
			r.outputs = append(r.outputs, t)
		case 6:
			raw = append(raw, v)
		}
		return used
	})
	if inner != nil {
		return inner
	}
	if err != nil || len(raw) == 0 {
		return err
	}
	if len(raw) != len(r.outputs) {
		return fmt.Errorf("the answer has %d outputs and the bytes of %d", len(r.outputs), len(raw))
	}
	for i := range raw {
		r.outputs[i].data = raw[i]
	}
	return nil
}

// readOutput reads InferOutputTensor.
func readOutput(b []byte) (tensor, error) {
	var t tensor
	var contents []byte
	kindName := ""
	err := fields(b, func(n protowire.Number, kind protowire.Type, value []byte) int {
		if n == 3 {
			return readLengths(&t.shape, kind, value)
		}
		v, used := bytesOf(kind, value)
		switch {
		case used <= 0:
		case n == 1:
			t.name = strings.ToValidUTF8(string(v), "\ufffd")
		case n == 2:
			kindName = string(v)
		case n == 5:
			contents = append(contents, v...) // messages of one field merge
		}
		return used
	})
	if err != nil {
		return t, err
	}
	if t.datatype, err = datatypeOf(kindName); err != nil {
		return t, fmt.Errorf("output %.60q: %w", t.name, err)
	}
	return t, t.readContents(contents)
}

// readLengths reads a repeated int64, packed or not.
func readLengths(into *[]int64, kind protowire.Type, value []byte) int {
	if kind == protowire.VarintType {
		v, used := protowire.ConsumeVarint(value)
		*into = append(*into, int64(v))
		return used
	}
	v, used := bytesOf(kind, value)
	for used > 0 && len(v) > 0 {
		d, n := protowire.ConsumeVarint(v)
		if n < 0 || len(*into) > maxRank {
			return -1
		}
		*into = append(*into, int64(d))
		v = v[n:]
	}
	return used
}

// readContents reads InferTensorContents into t.
func (t *tensor) readContents(b []byte) error {
	own := contentsField(t.datatype)
	return fields(b, func(n protowire.Number, kind protowire.Type, value []byte) int {
		if n != own || own == 0 {
			return 0
		}
		switch kind {
		case protowire.VarintType:
			return t.readVarint(value)
		case protowire.BytesType:
			v, used := protowire.ConsumeBytes(value)
			if used > 0 && !t.readPacked(v) {
				return -1
			}
			return used
		}
		return t.readFixed(kind, value)
	})
}

func (t *tensor) readVarint(value []byte) int {
	v, used := protowire.ConsumeVarint(value)
	if used > 0 {
		t.data = appendBits(t.data, max(t.datatype.size(), 1), v)
	}
	return used
}

func (t *tensor) readFixed(kind protowire.Type, value []byte) int {
	size := map[protowire.Type]int{protowire.Fixed32Type: 4, protowire.Fixed64Type: 8}[kind]
	if size == 0 || size != t.datatype.size() || len(value) < size {
		return -1
	}
	t.data = append(t.data, value[:size]...)
	return size
}

func (t *tensor) readPacked(v []byte) bool {
	switch {
	case t.datatype == typeBytes:
		t.data = appendText(t.data, v)
	case t.datatype.isFloat():
		t.data = append(t.data, v...)
	default:
		for len(v) > 0 {
			used := t.readVarint(v)
			if used < 0 {
				return false
			}
			v = v[used:]
		}
	}
	return true
}

// named is the request of ModelReady and ModelMetadata.
type named struct{ model, version string }

func (m *named) append(b []byte) []byte { return appendName(appendName(b, 1, m.model), 2, m.version) }

func (m *named) size() int { return 64 }

// readiness is ModelReadyResponse.
type readiness struct{ ready bool }

func (m *readiness) read(b []byte) error {
	return fields(b, func(n protowire.Number, kind protowire.Type, value []byte) int {
		if n != 1 || kind != protowire.VarintType {
			return 0
		}
		v, used := protowire.ConsumeVarint(value)
		m.ready = protowire.DecodeBool(v)
		return used
	})
}

// describedModel is ModelMetadataResponse.
type describedModel struct{ inputs, outputs []described }

// described is a tensor of the metadata as the wire has it.
type described struct {
	name, datatype string
	shape          []int64
}

func (m *describedModel) read(b []byte) error {
	return fields(b, func(n protowire.Number, kind protowire.Type, value []byte) int {
		if n != 4 && n != 5 {
			return 0
		}
		v, used := bytesOf(kind, value)
		if used <= 0 {
			return used
		}
		d, err := readDescribed(v)
		switch {
		case err != nil:
			return -1
		case n == 4:
			m.inputs = append(m.inputs, d)
		default:
			m.outputs = append(m.outputs, d)
		}
		return used
	})
}

func readDescribed(b []byte) (described, error) {
	var d described
	err := fields(b, func(n protowire.Number, kind protowire.Type, value []byte) int {
		if n == 3 {
			return readLengths(&d.shape, kind, value)
		}
		v, used := bytesOf(kind, value)
		switch {
		case used <= 0:
		case n == 1:
			d.name = string(v)
		case n == 2:
			d.datatype = string(v)
		}
		return used
	})
	return d, err
}

// signature is what the metadata say, in our words.
func (m *describedModel) signature() (*signature, error) {
	s := &signature{}
	for _, in := range m.inputs {
		d, err := datatypeOf(in.datatype)
		if err == nil && len(in.shape) > maxRank {
			err = fmt.Errorf("it has %d dimensions", len(in.shape))
		}
		if err != nil {
			return nil, fmt.Errorf("the model's input %.60q: %w", in.name, err)
		}
		s.inputs = append(s.inputs, spec{in.name, d, in.shape})
	}
	for _, out := range m.outputs {
		s.outputs = append(s.outputs, out.name)
	}
	return s, nil
}
