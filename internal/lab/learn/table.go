package learn

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"strconv"
	"strings"
)

// MaxColumns bounds the width of a table, so that one hostile line cannot
// make every later one expensive.
const MaxColumns = 65_536

// Table is labelled rows of numbers. A missing value is NaN.
type Table struct {
	Labels []float64 // nil when the table has none
	Values []float64 // row after row, Width numbers each
	Width  int       // features per row
}

// Rows counts the rows.
func (t *Table) Rows() int {
	if t.Width == 0 {
		return 0
	}
	return len(t.Values) / t.Width
}

// Row is one row's features; the slice is the table's own.
func (t *Table) Row(i int) []float64 { return t.Values[i*t.Width : (i+1)*t.Width : (i+1)*t.Width] }

// ReadCSV reads a table as the AWS algorithms do: no header, the label in the
// first column, an empty cell is a missing value. contentType is text/csv, or
// text/csv;label_size=0 for rows without a label; "" is text/csv.
func ReadCSV(r io.Reader, contentType string) (*Table, error) {
	labels, err := labelColumns(contentType)
	if err != nil {
		return nil, err
	}
	p := csvParser{labels: labels, table: &Table{}}
	lines := bufio.NewReaderSize(r, 64<<10)
	for {
		line, err := readLine(lines)
		if len(line) > 0 || err == nil {
			p.line++
			if problem := p.add(line); problem != nil {
				return nil, problem
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", p.line+1, err)
		}
	}
	if p.table.Rows() == 0 {
		return nil, errors.New("line 1: there is no row")
	}
	return p.table, nil
}

// labelColumns is 1 or 0: how many label columns come first.
func labelColumns(contentType string) (int, error) {
	if contentType == "" {
		return 1, nil
	}
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil || kind != "text/csv" {
		return 0, fmt.Errorf("content type %q is not text/csv; send text/csv or text/csv;label_size=0", contentType)
	}
	switch size := params["label_size"]; size {
	case "", "1":
		return 1, nil
	case "0":
		return 0, nil
	default:
		return 0, fmt.Errorf("label_size=%s of content type %q is neither 0 nor 1", size, contentType)
	}
}

// readLine gives one line without its end. The slice may be the reader's own.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		var rest []byte
		head := bytes.Clone(line)
		rest, err = r.ReadBytes('\n')
		line = append(head, rest...)
	}
	return bytes.TrimRight(line, "\r\n"), err
}

// csvParser fills a table line by line.
type csvParser struct {
	labels int
	line   int // 1-based, of the newest line
	table  *Table
}

func (p *csvParser) add(line []byte) error {
	if p.line == 1 {
		line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	}
	if len(bytes.TrimSpace(line)) == 0 {
		return nil
	}
	columns := bytes.Count(line, []byte{','}) + 1
	if err := p.checkWidth(columns); err != nil {
		return err
	}
	for column := 1; column <= columns; column++ {
		var cell []byte
		cell, line, _ = bytes.Cut(line, []byte{','})
		x, err := parseCell(cell)
		if err != nil {
			return fmt.Errorf("line %d column %d: %w", p.line, column, err)
		}
		if column > p.labels {
			p.table.Values = append(p.table.Values, x)
			continue
		}
		if math.IsNaN(x) {
			return fmt.Errorf("line %d column %d: the label is missing; the first column must hold it", p.line, column)
		}
		p.table.Labels = append(p.table.Labels, x)
	}
	return nil
}

func (p *csvParser) checkWidth(columns int) error {
	width := columns - p.labels
	switch {
	case width < 1:
		return fmt.Errorf("line %d: there is a label and no feature; separate the columns by commas", p.line)
	case width > MaxColumns:
		return fmt.Errorf("line %d column %d: more than %d columns", p.line, columns, MaxColumns)
	case p.table.Width == 0:
		p.table.Width = width
	case width != p.table.Width:
		return fmt.Errorf("line %d column %d: the line has %d columns, the lines before it %d",
			p.line, columns, columns, p.table.Width+p.labels)
	}
	return nil
}

// parseCell reads a number; empty and nan are missing.
func parseCell(cell []byte) (float64, error) {
	text := strings.Trim(string(bytes.TrimSpace(cell)), `"`)
	if text == "" {
		return math.NaN(), nil
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("%.40q is not a number; a header or text is not allowed", text)
	}
	if math.IsInf(x, 0) {
		return 0, fmt.Errorf("%.40q is infinite; leave the cell empty when the value is missing", text)
	}
	return x, nil
}
