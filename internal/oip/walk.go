package oip

import "errors"

var (
	errRagged = errors.New("its lists are of different lengths or depths")
	errObject = errors.New("it holds an object where a number or a text belongs")
	errDeep   = errors.New("its lists nest too deep")
)

// walker reads a JSON value as a tensor. The value is valid JSON.
type walker struct {
	data []byte
	at   int
	dims []int64 // lengths of the lists by depth; -1: not known yet
	leaf int     // how deep scalars are; -1: none seen
	each func(scalar []byte) error
}

// walk calls each with every number, text, boolean and null of a valid JSON value,
// in order, and gives the lengths of the lists around them, the outermost first.
func walk(value []byte, each func(scalar []byte) error) ([]int64, error) {
	w := &walker{data: value, leaf: -1, each: each}
	if err := w.value(0); err != nil {
		return nil, err
	}
	return w.dims, nil
}

func (w *walker) value(depth int) error {
	w.space()
	switch w.data[w.at] {
	case '[':
		return w.list(depth)
	case '{':
		return errObject
	}
	if w.leaf == -1 {
		w.leaf = depth
	}
	if w.leaf != depth || depth < len(w.dims) {
		return errRagged
	}
	start := w.at
	w.scalar()
	return w.each(w.data[start:w.at])
}

func (w *walker) list(depth int) error {
	switch {
	case depth == maxRank:
		return errDeep
	case w.leaf != -1 && depth >= w.leaf:
		return errRagged
	case depth == len(w.dims):
		w.dims = append(w.dims, -1)
	}
	n := int64(0)
	w.at++
	for w.space(); w.data[w.at] != ']'; w.space() {
		if err := w.value(depth + 1); err != nil {
			return err
		}
		n++
		if w.space(); w.data[w.at] == ',' {
			w.at++
		}
	}
	w.at++
	if w.dims[depth] != -1 && w.dims[depth] != n {
		return errRagged
	}
	w.dims[depth] = n
	return nil
}

func (w *walker) space() {
	for w.at < len(w.data) && (w.data[w.at] == ' ' || w.data[w.at] == '\t' || w.data[w.at] == '\n' || w.data[w.at] == '\r') {
		w.at++
	}
}

// scalar moves behind the scalar that begins here.
func (w *walker) scalar() {
	if w.data[w.at] != '"' {
		for w.at < len(w.data) && !isDelimiter(w.data[w.at]) {
			w.at++
		}
		return
	}
	for w.at++; w.data[w.at] != '"'; w.at++ {
		if w.data[w.at] == '\\' {
			w.at++
		}
	}
	w.at++
}

func isDelimiter(c byte) bool {
	switch c {
	case ',', ']', '}', ' ', '\t', '\n', '\r':
		return true
	}
	return false
}
