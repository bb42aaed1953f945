package feature

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
)

// line is one csv line cut into cells; the cells alias the payload, or spill
// where quotes had to be taken away.
type line struct {
	cells [][]byte
	spill []byte
}

// cut parts a payload of one csv line (RFC 4180, comma) into l.cells.
func (l *line) cut(payload []byte) *Error {
	l.cells, l.spill = l.cells[:0], l.spill[:0]
	rest := bytes.TrimSuffix(bytes.TrimSuffix(payload, []byte("\n")), []byte("\r"))
	if len(rest) == 0 {
		return undecodable("", "payload is empty; kafka.topics.events.value says csv")
	}
	for {
		var cell []byte
		var ok bool
		start := len(payload) - len(rest)
		if bytes.HasPrefix(rest, []byte(`"`)) {
			cell, rest, ok = l.quoted(rest[1:])
		} else {
			cell, rest, ok = plain(rest)
		}
		if !ok {
			return undecodable("", fmt.Sprintf("payload is not one csv line: cell %d at byte %d has a stray quote or line end", len(l.cells)+1, start))
		}
		l.cells = append(l.cells, cell)
		if len(rest) == 0 {
			return nil
		}
		rest = rest[1:] // the comma
	}
}

// plain cuts a cell without quotes off; rest begins with the comma or is empty.
func plain(s []byte) (cell, rest []byte, ok bool) {
	n := bytes.IndexByte(s, ',')
	if n < 0 {
		n = len(s)
	}
	return s[:n], s[n:], !bytes.ContainsAny(s[:n], "\"\r\n")
}

// quoted cuts a cell off whose opening quote is gone; two quotes stand for one.
func (l *line) quoted(s []byte) (cell, rest []byte, ok bool) {
	from := len(l.spill)
	for {
		n := bytes.IndexByte(s, '"')
		if n < 0 {
			return nil, nil, false
		}
		l.spill = append(l.spill, s[:n]...)
		s = s[n+1:]
		if len(s) == 0 || s[0] == ',' {
			return l.spill[from:len(l.spill):len(l.spill)], s, true
		}
		if s[0] != '"' {
			return nil, nil, false
		}
		l.spill = append(l.spill, '"')
		s = s[1:]
	}
}

// cellNumber reads a cell as a feature: an empty one is missing (NaN), true
// and false are 1 and 0. More forms of a number than JSON's are taken: +1, .5, 1.
func cellNumber(cell []byte) (float64, fault) {
	cell = bytes.TrimSpace(cell)
	switch string(cell) {
	case "":
		return math.NaN(), faultNone
	case "true":
		return 1, faultNone
	case "false":
		return 0, faultNone
	}
	for _, c := range cell {
		if (c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E' {
			return 0, faultText
		}
	}
	x, err := strconv.ParseFloat(string(cell), 64)
	if err != nil && math.IsInf(x, 0) {
		return 0, faultRange
	}
	if err != nil {
		return 0, faultText
	}
	return x, faultNone
}

// cellValue reads a cell for an expression: nothing is nil, a number a number,
// anything else text.
func cellValue(cell []byte) any {
	trimmed := bytes.TrimSpace(cell)
	if len(trimmed) == 0 {
		return nil
	}
	if v, f := value(trimmed); f == faultNone {
		return v
	}
	return string(cell)
}
