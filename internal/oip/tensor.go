package oip

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// maxRank is how many dimensions a tensor may have.
const maxRank = 16

// tensor is a list of numbers or texts with a shape. Its data are as the binary
// tensor extension has them: little endian, row by row; each element of BYTES
// begins with its length in four bytes.
type tensor struct {
	name       string
	datatype   datatype
	shape      []int64
	data       []byte
	parameters map[string]any // hints to the server, of an input
}

// count is the number of elements that a shape has; an error when it has none or
// more than bytes could hold.
func count(shape []int64) (int64, error) {
	if len(shape) > maxRank {
		return 0, fmt.Errorf("a shape of %d dimensions", len(shape))
	}
	n := int64(1)
	for _, d := range shape {
		switch {
		case d < 0:
			return 0, fmt.Errorf("the shape %v", shape)
		case d > 0 && n > math.MaxInt32/d:
			return 0, fmt.Errorf("a shape of more elements than any answer holds")
		}
		n *= d
	}
	return n, nil
}

// check compares the data of an answered tensor with its shape.
func (t *tensor) check() error {
	n, err := count(t.shape)
	if err != nil {
		return fmt.Errorf("output %.60q has %w", t.name, err)
	}
	have := int64(0)
	if size := t.datatype.size(); size > 0 {
		have = int64(len(t.data) / size)
		if len(t.data)%size != 0 {
			have = -1
		}
	} else if have, err = countTexts(t.data); err != nil {
		return fmt.Errorf("output %.60q: %w", t.name, err)
	}
	if have != n {
		return fmt.Errorf("output %.60q holds %d bytes of %s, which is not the %d elements of its shape", t.name, len(t.data), t.datatype, n)
	}
	return nil
}

// countTexts counts the elements of BYTES.
func countTexts(data []byte) (int64, error) {
	n := int64(0)
	for len(data) > 0 {
		_, rest, ok := nextText(data)
		if !ok {
			return 0, fmt.Errorf("an element of BYTES is longer than what is there")
		}
		data = rest
		n++
	}
	return n, nil
}

// nextText cuts the first element of BYTES off.
func nextText(data []byte) (text, rest []byte, ok bool) {
	if len(data) < 4 {
		return nil, nil, false
	}
	n := binary.LittleEndian.Uint32(data)
	data = data[4:]
	if uint64(n) > uint64(len(data)) {
		return nil, nil, false
	}
	return data[:n], data[n:], true
}

// part gives the i-th of n equal rows of a checked tensor along its first
// dimension; rest begins at row i and is what the next call starts from.
func (t *tensor) part(i int, rest []byte) (row tensor, after []byte) {
	row = tensor{name: t.name, datatype: t.datatype, shape: slices.Clone(t.shape)}
	row.shape[0] = 1
	each, _ := count(row.shape) // not more than all of it, which was checked
	if size := t.datatype.size(); size > 0 {
		bytes := int(each) * size
		row.data = t.data[i*bytes : (i+1)*bytes]
		return row, nil
	}
	after = rest
	for range each {
		_, after, _ = nextText(after)
	}
	row.data = rest[:len(rest)-len(after)]
	return row, after
}

// join puts the inputs of several events into one request, along the first
// dimension. All must have one there, and else be alike.
func join(events [][]tensor) ([]tensor, error) {
	if len(events) == 1 {
		return events[0], nil
	}
	joined := make([]tensor, len(events[0]))
	for i := range joined {
		joined[i] = events[0][i]
		joined[i].shape = slices.Clone(joined[i].shape)
		joined[i].data = slices.Grow([]byte(nil), len(joined[i].data)*len(events))
		for n, inputs := range events {
			if !alike(inputs, i, &joined[i]) {
				return nil, errUnlike
			}
			joined[i].data = append(joined[i].data, inputs[i].data...)
			joined[i].shape[0] = int64(n + 1)
		}
	}
	return joined, nil
}

var errUnlike = fmt.Errorf("the inputs of these events cannot share a call: each needs a first dimension of 1 and the shapes of the others; they are to be asked alone")

// alike says whether input i of an event can be a row of t.
func alike(inputs []tensor, i int, t *tensor) bool {
	if i >= len(inputs) {
		return false
	}
	one := &inputs[i]
	return one.name == t.name && one.datatype == t.datatype && len(one.shape) == len(t.shape) && len(one.shape) > 0 &&
		one.shape[0] == 1 && slices.Equal(one.shape[1:], t.shape[1:]) && equalParameters(one.parameters, t.parameters)
}

func equalParameters(a, b map[string]any) bool {
	if len(a) != len(b) {
		return false
	}
	for name, v := range a {
		if w, ok := b[name]; !ok || v != w {
			return false
		}
	}
	return true
}
