package feature

import (
	"slices"

	"github.com/valyala/fastjson"
)

// row reads the fields of an event into in.row, in order.
func (m *Mapper) row(in *Input) error {
	if err := in.parse(); err != nil {
		return err
	}
	in.row = slices.Grow(in.row[:0], len(m.fields))[:len(m.fields)]
	if m.columns != nil {
		return m.rowOfCells(in)
	}
	o, err := in.doc.Object()
	if err != nil {
		return noFields(in.doc)
	}
	return m.rowOfObject(in, o)
}

func (m *Mapper) rowOfObject(in *Input, o *fastjson.Object) error {
	for i, field := range m.fields {
		x, f := number(o.Get(field), in.scratch)
		switch f {
		case faultNone:
			in.row[i] = x
		case faultGrammar:
			return undecodable(field, string(f))
		default:
			return unmapped(field, string(f))
		}
	}
	return nil
}

func (m *Mapper) rowOfCells(in *Input) error {
	for i, column := range m.columns {
		x, f := cellNumber(in.line.cells[column])
		if f != faultNone {
			return unmapped(m.fields[i], string(f))
		}
		in.row[i] = x
	}
	return nil
}
