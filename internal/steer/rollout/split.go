package rollout

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
)

// part is some of the rows of a table: csv, the label first.
type part struct {
	csv  []byte
	rows int
	ones int // rows whose label is 1
}

func (p *part) add(row []byte) {
	p.csv = append(append(p.csv, row...), '\n')
	p.rows++
	if label, _, _ := bytes.Cut(row, []byte(",")); string(label) == "1" || isOne(label) {
		p.ones++
	}
}

func isOne(label []byte) bool {
	y, err := strconv.ParseFloat(string(label), 64)
	return err == nil && y == 1
}

// split is a table in the parts that a job sees and the part that it does not.
type split struct{ train, validation, heldOut part }

// split parts the rows by the hash of their key: a row is in the same part
// whatever other rows there are.
func (t *table) split(heldOut, validation float64) split {
	var s split
	rest := t.csv
	for _, key := range t.keys {
		var row []byte
		row, rest, _ = bytes.Cut(rest, []byte("\n"))
		switch place := float64(key) / math.MaxUint64; {
		case place < heldOut:
			s.heldOut.add(row)
		case place < heldOut+validation:
			s.validation.add(row)
		default:
			s.train.add(row)
		}
	}
	return s
}

// check says which part cannot do what it is for. Labels that are not all 0
// and 1 are numbers, which need no second class.
func (s split) check(classes bool) error {
	for _, p := range []struct {
		name, key string
		part      part
		asked     bool
	}{{"left to train with", "data", s.train, true}, {"to look at for early stopping", "validation", s.validation, s.validation.rows > 0}, {"held out", "held_out", s.heldOut, true}} {
		switch {
		case !p.asked:
		case p.part.rows == 0:
			return &tableError{p.key, fmt.Sprintf("no rows are %s; give more rows, or change held_out", p.name)}
		case classes && (p.part.ones == 0 || p.part.ones == p.part.rows):
			class, other := 0, 1
			if p.part.ones > 0 {
				class, other = 1, 0
			}
			return &tableError{p.key, fmt.Sprintf("the %d rows %s are all of class %d, none of class %d; give more rows of class %d, or change held_out", p.part.rows, p.name, class, other, other)}
		}
	}
	return nil
}

// labels gives the first cell of each row of a part, and the rest as numbers;
// an empty cell is NaN.
func (p part) values() (labels []float64, rows [][]float64) {
	for line := range bytes.Lines(p.csv) {
		var row []float64
		for cell := range bytes.SplitSeq(bytes.TrimSuffix(line, []byte("\n")), []byte(",")) {
			v, err := strconv.ParseFloat(string(cell), 64)
			if err != nil { // the table has checked: it is empty
				v = math.NaN()
			}
			row = append(row, v)
		}
		labels = append(labels, row[0])
		rows = append(rows, row[1:])
	}
	return labels, rows
}
