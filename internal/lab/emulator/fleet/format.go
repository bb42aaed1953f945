package fleet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/valyala/fastjson"

	"betimes/internal/lab/learn"
)

// appendLines writes one number per line.
func appendLines(out []byte, values []float64) []byte {
	for _, v := range values {
		out = strconv.AppendFloat(out, v, 'g', -1, 64)
		out = append(out, '\n')
	}
	return out
}

// appendPredictions writes {"predictions":[{"score":…,"predicted_label":…}]}; label may be nil.
func appendPredictions(out []byte, values []float64, label func(float64) int) []byte {
	out = append(out, `{"predictions":[`...)
	for i, v := range values {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendScore(out, v, label)
	}
	return append(out, `]}`...)
}

func appendScore(out []byte, v float64, label func(float64) int) []byte {
	out = appendNumber(append(out, `{"score":`...), v)
	if label != nil {
		out = append(out, `,"predicted_label":`...)
		out = strconv.AppendInt(out, int64(label(v)), 10)
	}
	return append(out, '}')
}

// appendNumber writes a number into JSON. What is none is written as Python does,
// in which AWS's containers are written.
func appendNumber(out []byte, v float64) []byte {
	switch {
	case v != v:
		return append(out, "NaN"...)
	case math.IsInf(v, 1):
		return append(out, "Infinity"...)
	case math.IsInf(v, -1):
		return append(out, "-Infinity"...)
	}
	return strconv.AppendFloat(out, v, 'g', -1, 64)
}

// instances are the elements of {"instances":[…]}, as they were written.
func instances(body []byte) [][]byte {
	var request struct {
		Instances []json.RawMessage `json:"instances"`
	}
	if json.Unmarshal(body, &request) != nil {
		return nil
	}
	list := make([][]byte, len(request.Instances))
	for i, r := range request.Instances {
		list[i] = r
	}
	return list
}

// table is the rows of a request: every row has width numbers.
type table struct {
	values []float64
	width  int
	rows   int
}

func (t *table) add(row int) error {
	if t.rows > 0 && row != t.width {
		return fmt.Errorf("record %d has %d features, the ones before have %d", t.rows+1, row, t.width)
	}
	t.width = row
	t.rows++
	return nil
}

// readCSV reads rows without label; an empty cell is a missing value.
func (t *table) readCSV(body string) error {
	for len(body) > 0 {
		var line string
		line, body, _ = strings.Cut(body, "\n")
		if line = strings.TrimSuffix(line, "\r"); line == "" {
			continue
		}
		n := 0
		for more := true; more; n++ {
			var cell string
			cell, line, more = strings.Cut(line, ",")
			v, err := number(strings.TrimSpace(cell))
			if err != nil {
				return fmt.Errorf("record %d, column %d: %w", t.rows+1, n+1, err)
			}
			t.values = append(t.values, v)
		}
		if err := t.add(n); err != nil {
			return err
		}
	}
	return nil
}

func number(cell string) (float64, error) {
	if cell == "" {
		return math.NaN(), nil
	}
	v, err := strconv.ParseFloat(cell, 64)
	if err != nil {
		return 0, errors.New("the cell is not a number") // its text is payload: it stays out of errors
	}
	return v, nil
}

// readLibSVM reads rows of [LABEL] INDEX:VALUE …; indexes start at 0 or 1 as the model was trained: 0 here.
func (t *table) readLibSVM(body string, width int) error {
	for line := range strings.Lines(body) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		row := make([]float64, width)
		for i := range row {
			row[i] = math.NaN()
		}
		for i, f := range fields {
			index, value, pair := strings.Cut(f, ":")
			if !pair && i == 0 { // a label
				continue
			}
			n, err := strconv.Atoi(index)
			if err != nil || n < 0 || n >= width {
				return fmt.Errorf("record %d, item %d is not INDEX:VALUE with an index below %d", t.rows+1, i+1, width)
			}
			if row[n], err = number(value); err != nil {
				return fmt.Errorf("record %d: %w", t.rows+1, err)
			}
		}
		t.values = append(t.values, row...)
		if err := t.add(width); err != nil {
			return err
		}
	}
	return nil
}

// recordIO is the content type of RecordIO frames with protobuf records.
const recordIO = "application/x-recordio-protobuf"

// readRecordIO reads one row per record. What a sparse one leaves out is 0 to the linear learner and missing to trees.
func (t *table) readRecordIO(body []byte, linear bool) error {
	absent := math.NaN()
	if linear {
		absent = 0
	}
	read, err := learn.ReadRecordIO(bytes.NewReader(body), absent)
	if err != nil {
		return err
	}
	t.values, t.width, t.rows = read.Values, read.Width, read.Rows()
	return nil
}

func appendRecords(out []byte, values []float64, label func(float64) int) []byte {
	for _, v := range values {
		class := math.NaN()
		if label != nil {
			class = float64(label(v))
		}
		out = learn.AppendRecord(out, v, class)
	}
	return out
}

// readJSON reads {"instances":[{"features":[…]}]} or {"instances":[{"data":{"features":{"values":[…]}}}]}.
func (t *table) readJSON(body []byte) error {
	var parser fastjson.Parser
	root, err := parser.ParseBytes(body)
	if err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	list := root.GetArray("instances")
	if list == nil {
		return fmt.Errorf(`no "instances"`)
	}
	for _, instance := range list {
		if err := t.readInstance(instance); err != nil {
			return err
		}
	}
	return nil
}

// readJSONLines reads one instance per line.
func (t *table) readJSONLines(body []byte) error {
	var scanner fastjson.Scanner
	scanner.InitBytes(body)
	for scanner.Next() {
		if err := t.readInstance(scanner.Value()); err != nil {
			return err
		}
	}
	return scanner.Error()
}

// featurePaths are where an instance may keep its numbers.
var featurePaths = [][]string{{"features"}, {"features", "values"}, {"data", "features", "values"}, {"data", "features"}}

func (t *table) readInstance(v *fastjson.Value) error {
	var list []*fastjson.Value
	for _, path := range featurePaths {
		if list = v.GetArray(path...); len(list) > 0 {
			break
		}
	}
	if len(list) == 0 {
		return fmt.Errorf(`record %d has no list "features"`, t.rows+1)
	}
	for i, f := range list {
		value := math.NaN()
		if f.Type() != fastjson.TypeNull {
			var err error
			if value, err = f.Float64(); err != nil {
				return fmt.Errorf("record %d, feature %d is not a number", t.rows+1, i+1)
			}
		}
		t.values = append(t.values, value)
	}
	return t.add(len(list))
}
