package gateway

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"iter"
	"strconv"
	"unicode/utf8"

	"github.com/valyala/fastjson"

	"betimes/internal/listen"
)

const maxColumns = 4096

// rows are the drafts of CSV with a header: each row becomes one JSON object
// with the header's names. A cell that is a JSON number stays one, an empty
// cell is a missing field, anything else is a string. The objects' memory is
// taken from the lease.
func rows(body []byte, most int, l *lease) (iter.Seq[draft], *listen.Problem) {
	src := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(body, byteOrderMark)))
	src.ReuseRecord = true
	names, problem := header(src)
	if problem != nil {
		return nil, problem
	}
	cells, err := src.Read()
	if err == io.EOF {
		return nil, malformed("empty", "", "there is no row below line 1, which names the columns")
	}
	return func(yield func(draft) bool) {
		for ; err != io.EOF; cells, err = src.Read() {
			if !yield(row(names, cells, err, most, l)) {
				return
			}
		}
	}, nil
}

// header reads the names, each as a JSON string ready to be written.
func header(src *csv.Reader) ([][]byte, *listen.Problem) {
	cells, err := src.Read()
	switch {
	case err == io.EOF:
		return nil, malformed("empty", "", "the body is empty; the first line names the columns")
	case err != nil:
		return nil, malformed("not_csv", "", "line 1 is not CSV; it names the columns")
	case len(cells) > maxColumns:
		return nil, malformed("columns", "", "line 1 names more than "+strconv.Itoa(maxColumns)+" columns")
	}
	names := make([][]byte, len(cells))
	seen := map[string]bool{}
	for i, name := range cells {
		if name == "" || seen[name] || !utf8.ValidString(name) {
			return nil, malformed("columns", "", "column "+strconv.Itoa(i+1)+" of line 1 has no name of its own; name every column once, in UTF-8")
		}
		seen[name] = true
		names[i] = appendString(nil, name)
	}
	return names, nil
}

func row(names [][]byte, cells []string, err error, most int, l *lease) draft {
	var syntax *csv.ParseError
	switch {
	case errors.Is(err, csv.ErrFieldCount) && errors.As(err, &syntax):
		return draft{problem: malformed("columns", "", "line "+strconv.Itoa(syntax.Line)+" has "+strconv.Itoa(len(cells))+" cells; the header names "+strconv.Itoa(len(names)))}
	case errors.As(err, &syntax):
		return draft{problem: malformed("not_csv", "", "line "+strconv.Itoa(syntax.Line)+" is not CSV; check its quotes")}
	case err != nil:
		return draft{problem: malformed("not_csv", "", "the body is not CSV")}
	}
	size := 2
	for i, cell := range cells {
		if cell != "" {
			size += len(names[i]) + len(cell) + 4
		}
	}
	if !l.grow(size) {
		return draft{problem: overloaded()}
	}
	return bounded(draft{value: appendRow(make([]byte, 0, size), names, cells), json: true, contentType: mediaJSON}, most)
}

func appendRow(b []byte, names [][]byte, cells []string) []byte {
	b = append(b, '{')
	for i, cell := range cells {
		if cell == "" {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(b, names[i]...)
		b = append(b, ':')
		if isNumber(cell) {
			b = append(b, cell...)
		} else {
			b = appendString(b, cell)
		}
	}
	return append(b, '}')
}

// isNumber says whether the cell is a number as JSON writes them: 007 and NaN are not.
func isNumber(cell string) bool {
	if c := cell[0]; c != '-' && (c < '0' || c > '9') {
		return false
	}
	last := cell[len(cell)-1]
	return last >= '0' && last <= '9' && fastjson.Validate(cell) == nil
}

// appendString appends s as a JSON string. Bytes that are not UTF-8 stay, for
// the check of the whole object to refuse.
func appendString(b []byte, s string) []byte {
	const hexDigits = "0123456789abcdef"
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}
