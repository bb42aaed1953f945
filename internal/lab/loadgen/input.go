package loadgen

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fastjson"

	"betimes/internal/pointer"
)

// maxLine bounds one event of a file.
const maxLine = 16 << 20

// fileLoad sends the lines of a file: those of NDJSON untouched, those of a
// CSV as JSON objects with the header's names.
type fileLoad struct {
	path   string
	file   *os.File
	lines  func() ([]byte, error)
	number int

	parser           fastjson.Parser
	key, time, label pointer.Pointer
	config           Config
	first            time.Time
	offset           time.Duration // when the newest event is to be sent, by its own time
}

func newFile(c Config) (*fileLoad, error) {
	file, err := os.Open(c.Input)
	if err != nil {
		return nil, fmt.Errorf("input: %w", err)
	}
	l := &fileLoad{path: c.Input, file: file, config: c}
	for into, text := range map[*pointer.Pointer]string{&l.key: c.Key, &l.time: c.EventTime, &l.label: c.Label} {
		if *into, err = pointer.Parse(text); err != nil {
			return nil, errors.Join(err, file.Close())
		}
	}
	l.lines = ndjson(file)
	if strings.HasSuffix(strings.ToLower(c.Input), ".csv") {
		l.lines, err = rows(file)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("input %s: %w", c.Input, err), file.Close())
	}
	return l, nil
}

func (l *fileLoad) next(time.Time) (item, error) {
	body, err := l.lines()
	if err == io.EOF {
		return item{}, err
	}
	if err != nil {
		return item{}, fmt.Errorf("input %s: event %d: %w", l.path, l.number+1, err)
	}
	it := item{number: l.number, body: body, contentType: contentJSON, label: unlabelled}
	l.number++
	if l.config.Key == "" && l.config.EventTime == "" && l.config.Label == "" {
		return it, nil
	}
	return it, l.read(&it)
}

// read finds key, time and label. What is not JSON is sent all the same: how it
// is refused is what the user wants to see.
func (l *fileLoad) read(it *item) error {
	v, err := l.parser.ParseBytes(it.body)
	if err != nil {
		return nil
	}
	if l.config.Key != "" {
		it.key = pointer.Bytes(l.key.In(v))
	}
	if l.config.Label != "" {
		it.label = labelOf(l.label.In(v))
		if strings.HasSuffix(strings.ToLower(l.path), ".csv") {
			v.Del(strings.TrimPrefix(l.config.Label, "/"))
			it.body = v.MarshalTo(nil)
		}
	}
	if l.config.EventTime == "" {
		return nil
	}
	at := pointer.Time(l.time.In(v))
	if at.IsZero() {
		return fmt.Errorf("input %s: event %d has no time at %s", l.path, l.number, l.config.EventTime)
	}
	if l.first.IsZero() {
		l.first = at
	}
	l.offset = max(l.offset, at.Sub(l.first)) // one out of order is sent at once, not before the others
	it.offset = l.offset
	return nil
}

func (l *fileLoad) close() {
	_ = l.file.Close() // it was only read
}

// labelOf reads 0, 1, false or true.
func labelOf(v *fastjson.Value) int8 {
	switch string(pointer.Scalar(v)) {
	case "0", "0.0":
		return 0
	case "1", "1.0":
		return 1
	}
	switch {
	case v == nil:
		return unlabelled
	case v.Type() == fastjson.TypeTrue:
		return 1
	case v.Type() == fastjson.TypeFalse:
		return 0
	}
	return unlabelled
}

// ndjson gives the lines of a file that are not blank.
func ndjson(r io.Reader) func() ([]byte, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	return func() ([]byte, error) {
		for lines.Scan() {
			if line := bytes.TrimSpace(lines.Bytes()); len(line) > 0 {
				return bytes.Clone(line), nil
			}
		}
		if err := lines.Err(); err != nil {
			return nil, fmt.Errorf("a line is longer than %d bytes or cannot be read: %w", maxLine, err)
		}
		return nil, io.EOF
	}
}

// rows gives the rows of a CSV as JSON objects: what looks like a number is
// one, an empty cell is left out.
func rows(r io.Reader) (func() ([]byte, error), error) {
	cells := csv.NewReader(bufio.NewReader(r))
	cells.ReuseRecord = true
	header, err := cells.Read()
	if err != nil {
		return nil, fmt.Errorf("there is no header line: %w", err)
	}
	names := make([][]byte, len(header))
	for i, name := range slices.Clone(header) {
		if names[i], err = json.Marshal(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff"))); err != nil {
			return nil, fmt.Errorf("header: %w", err)
		}
	}
	return func() ([]byte, error) {
		row, err := cells.Read()
		if err != nil {
			return nil, err
		}
		b := []byte{'{'}
		for i, cell := range row {
			if cell == "" {
				continue
			}
			if len(b) > 1 {
				b = append(b, ',')
			}
			b = append(append(b, names[i]...), ':')
			b = appendCell(b, cell)
		}
		return append(b, '}'), nil
	}, nil
}

func appendCell(b []byte, cell string) []byte {
	text := strings.TrimSpace(cell)
	if json.Valid([]byte(text)) {
		if _, err := strconv.ParseFloat(text, 64); err == nil {
			return append(b, text...)
		}
	}
	quoted, err := json.Marshal(cell)
	if err != nil {
		return append(b, "null"...)
	}
	return append(b, quoted...)
}
