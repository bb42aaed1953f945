package rollout

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// openSource tells csv and NDJSON apart by the first byte.
func openSource(file string, data []byte, label string, fields []string) (source, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	start := bytes.TrimLeft(data, " \t\r\n")
	if len(start) == 0 {
		return nil, wrongData("%s is empty; write rows into it", file)
	}
	if start[0] == '{' {
		return openLines(file, data, label, fields)
	}
	return openCSV(file, data, len(fields))
}

// csvSource reads CSV with or without a header.
type csvSource struct {
	reader *csv.Reader
	header []string
	first  []string // the first row, when it was no header
}

func openCSV(file string, data []byte, fields int) (*csvSource, error) {
	r := csv.NewReader(bytes.NewReader(data))
	r.ReuseRecord = true
	first, err := r.Read()
	if err != nil {
		return nil, wrongData("%s: %v", file, err)
	}
	first = slices.Clone(first)
	if isHeader(first) {
		for i := range first {
			first[i] = strings.TrimSpace(first[i])
		}
		return &csvSource{reader: r, header: first}, nil
	}
	if fields > 0 && len(first) != fields+1 {
		return nil, wrongData("%s has no header and %d columns; flow.feature.fields has %d and the label comes first, so %d are needed", file, len(first), fields, fields+1)
	}
	return &csvSource{reader: r, first: first}, nil
}

// isHeader: a row of names, none of them a number or empty.
func isHeader(row []string) bool {
	return !slices.ContainsFunc(row, func(cell string) bool {
		_, isNumber := number(strings.TrimSpace(cell))
		return isNumber
	})
}

func (s *csvSource) names() []string { return s.header }

func (s *csvSource) next() ([]string, string, error) {
	if s.first != nil {
		row := s.first
		s.first = nil
		return row, onLine(1), nil
	}
	row, err := s.reader.Read()
	if err != nil {
		return nil, "", err
	}
	line, _ := s.reader.FieldPos(0)
	return row, onLine(line), nil
}

func onLine(n int) string { return "line " + strconv.Itoa(n) }

// lineSource reads one JSON object per line.
type lineSource struct {
	scanner *bufio.Scanner
	columns []string
	line    int
}

const maxLine = 16 << 20

func openLines(file string, data []byte, label string, fields []string) (*lineSource, error) {
	if label == "" {
		return nil, &tableError{"label", fmt.Sprintf("it is empty; name the member of the objects in %s that is the label", file)}
	}
	first, _, _ := bytes.Cut(bytes.TrimLeft(data, " \t\r\n"), []byte("\n"))
	members, err := membersOf(first)
	if err != nil {
		return nil, wrongData("%s line 1: %v", file, err)
	}
	for _, f := range append([]string{label}, fields...) {
		if !slices.Contains(members, f) { // the first object may lack a value that others have
			members = append(members, f)
		}
	}
	s := &lineSource{scanner: bufio.NewScanner(bytes.NewReader(data)), columns: members}
	s.scanner.Buffer(nil, maxLine)
	return s, nil
}

// membersOf gives the names of an object's members as they are written.
func membersOf(line []byte) ([]string, error) {
	d := json.NewDecoder(bytes.NewReader(line))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("it is not a JSON object")
	}
	var names []string
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, errors.New("it is not a JSON object")
		}
		text, _ := name.(string)
		names = append(names, text)
		var skipped json.RawMessage
		if err := d.Decode(&skipped); err != nil {
			return nil, errors.New("it is not a JSON object")
		}
	}
	return names, nil
}

func (s *lineSource) names() []string { return s.columns }

func (s *lineSource) next() ([]string, string, error) {
	for s.scanner.Scan() {
		s.line++
		if len(bytes.TrimSpace(s.scanner.Bytes())) == 0 {
			continue
		}
		cells, err := s.cells(s.scanner.Bytes())
		return cells, onLine(s.line), err
	}
	if err := s.scanner.Err(); err != nil {
		return nil, "", fmt.Errorf("line %d: %w", s.line+1, err)
	}
	return nil, "", io.EOF
}

// cells of members that are no number stay as they are: only columns that are
// used must be numbers.
func (s *lineSource) cells(line []byte) ([]string, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(line, &object); err != nil {
		return nil, fmt.Errorf("line %d is not a JSON object", s.line)
	}
	cells := make([]string, len(s.columns))
	for i, name := range s.columns {
		if raw := string(object[name]); raw != "null" {
			cells[i] = raw
		}
	}
	return cells, nil
}
