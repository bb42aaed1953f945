package rollout

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// table is a training set as the algorithms read it: csv, the label in the
// first column, no header.
type table struct {
	csv     []byte
	keys    []uint64 // per row: hash of its key, which says where it belongs
	rows    int
	columns []string // of the features, in order; nil when the file has no header
	unused  []string // columns of the file that are left out
}

// tableError is a mistake in the training data, at a key of the model's train section.
type tableError struct {
	key  string
	text string
}

func (e *tableError) Error() string { return e.key + ": " + e.text }

func wrongData(format string, args ...any) error {
	return &tableError{"data", fmt.Sprintf(format, args...)}
}

// source reads training data row by row.
type source interface {
	// names are the columns; nil when the data do not tell.
	names() []string
	// next gives the cells of a row in the order of names, and where it stands,
	// for example line 3; io.EOF at the end.
	next() (cells []string, where string, err error)
}

// keyed is a source that knows the key of the row it gave last.
type keyed interface{ key() []byte }

// reading is what a table is made of.
type reading struct {
	name   string // of the file or topic
	label  string
	key    string   // column, may be empty
	fields []string // of the features; empty: all columns
}

// readTable makes the training set of a file: the label moved to the front,
// then the fields in the order in which events are mapped.
func readTable(r reading, data []byte) (*table, error) {
	src, err := openSource(r.name, data, r.label, r.fields)
	if err != nil {
		return nil, err
	}
	return r.table(src, len(data))
}

// table reads a source to its end.
func (r reading) table(src source, size int) (*table, error) {
	t := &table{}
	order, err := t.order(r, src.names())
	if err != nil {
		return nil, err
	}
	w := newWriter(order, size)
	if w.key, err = r.keyColumn(src.names()); err != nil {
		return nil, err
	}
	for {
		cells, where, err := src.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, wrongData("%s: %v", r.name, err)
		}
		if err := w.row(cells); err != nil {
			return nil, wrongData("%s %s: %v", r.name, where, err.in(src.names()))
		}
		if k, ok := src.(keyed); ok && len(k.key()) > 0 {
			w.hash = hashOf(k.key())
		}
		t.keys = append(t.keys, w.hash)
		t.rows++
	}
	if t.rows == 0 {
		return nil, wrongData("%s holds no rows; write at least one example per class", r.name)
	}
	if i := slices.Index(w.filled, false); i >= 0 {
		return nil, wrongData("%s: column %s is empty in every row; fill it or remove it from flow.feature.fields", r.name, nameAt(src.names(), w.order[i]))
	}
	t.csv = w.out.Bytes()
	return t, nil
}

// keyColumn finds the column of the key; -1: the row itself is the key.
func (r reading) keyColumn(names []string) (int, error) {
	if r.key == "" {
		return -1, nil
	}
	at := slices.Index(names, r.key)
	if at < 0 {
		return -1, &tableError{"key", fmt.Sprintf("%s has no column %s; it has %s", r.name, r.key, strings.Join(names, ", "))}
	}
	return at, nil
}

func hashOf(key []byte) uint64 {
	sum := sha256.Sum256(key)
	return binary.BigEndian.Uint64(sum[:])
}

// order gives which cell goes where: the label's first. Without names it is nil
// and the file is taken as it is.
func (t *table) order(r reading, names []string) ([]int, error) {
	file, label, fields := r.name, r.label, r.fields
	if names == nil {
		return nil, t.unnamed(file, label)
	}
	at := 0
	if label != "" {
		if at = slices.Index(names, label); at < 0 {
			return nil, &tableError{"label", fmt.Sprintf("%s has no column %s; it has %s", file, label, strings.Join(names, ", "))}
		}
	}
	if len(fields) == 0 {
		fields = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == names[at] || n == r.key })
	}
	order := []int{at}
	for _, f := range fields {
		i := slices.Index(names, f)
		switch {
		case i < 0:
			return nil, wrongData("%s has no column %s, which flow.feature.fields asks with; it has %s", file, f, strings.Join(names, ", "))
		case i == at:
			return nil, wrongData("%s: %s is the label and a field of flow.feature.fields; a model must not be told the answer", file, f)
		}
		order = append(order, i)
	}
	t.columns = fields
	for i, n := range names {
		if !slices.Contains(order, i) {
			t.unused = append(t.unused, n)
		}
	}
	return order, nil
}

// unnamed: without a header the first column is the label.
func (t *table) unnamed(file, label string) error {
	if label != "" {
		return &tableError{"label", fmt.Sprintf("%s has no header that names a column %s; add one, or remove label when the first column is the label", file, label)}
	}
	return nil
}

// cellError is a cell that is not a number. It does not show the cell.
type cellError struct{ column int }

func (e *cellError) in(names []string) error {
	return fmt.Errorf("column %s is not a number; models are trained with numbers and empty cells, a label is never empty", nameAt(names, e.column))
}

func nameAt(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return strconv.Itoa(i + 1)
}

// writer puts rows in order and notes which columns ever held a value.
type writer struct {
	out    bytes.Buffer
	order  []int
	filled []bool
	key    int    // column of the key, or -1
	hash   uint64 // of the last row's key
}

func newWriter(order []int, size int) *writer {
	w := &writer{order: order, filled: make([]bool, len(order))}
	w.out.Grow(size)
	return w
}

func (w *writer) row(cells []string) *cellError {
	if w.order == nil { // as the file has them
		for i := range cells {
			w.order = append(w.order, i)
		}
		w.filled = make([]bool, len(w.order))
	}
	begin := w.out.Len()
	for n, i := range w.order {
		cell, ok := number(strings.TrimSpace(cells[i]))
		if !ok || n == 0 && cell == "" {
			return &cellError{i}
		}
		if n > 0 {
			w.out.WriteByte(',')
		}
		w.filled[n] = w.filled[n] || cell != ""
		w.out.WriteString(cell)
	}
	if w.hash = hashOf(w.out.Bytes()[begin:]); w.key >= 0 {
		w.hash = hashOf([]byte(strings.TrimSpace(cells[w.key])))
	}
	w.out.WriteByte('\n')
	return nil
}

// number gives the text of a number; booleans are 1 and 0, an empty cell is a missing value.
func number(cell string) (string, bool) {
	switch strings.ToLower(cell) {
	case "":
		return "", true
	case "true":
		return "1", true
	case "false":
		return "0", true
	}
	f, err := strconv.ParseFloat(cell, 64)
	return cell, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
}
