package verify

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// maxLine bounds a line of a ledger.
const maxLine = 4 << 10

// Scanned says how far a ledger is good.
type Scanned struct {
	Lines int64
	Bytes int64
	Torn  bool // its last line was not written to its end
}

// ScanLedger gives f every line of a ledger, in order. A last line that is torn
// is left out and told; damage elsewhere is an error that names the line.
func ScanLedger(path string, f func(*Line) error) (Scanned, error) {
	file, err := os.Open(path)
	if err != nil {
		return Scanned{}, fmt.Errorf("ledger: %w", err)
	}
	defer file.Close()
	s, err := scan(file, f)
	if err != nil {
		err = fmt.Errorf("ledger %s: %w", path, err)
	}
	return s, err
}

func scan(r io.Reader, f func(*Line) error) (s Scanned, err error) {
	in := bufio.NewReaderSize(r, 1<<20)
	for {
		text, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF):
			s.Torn = len(text) > 0
			return s, nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return s, err
		case err != nil || len(text) > maxLine:
			return s, fmt.Errorf("line %d: %w: longer than %d bytes", s.Lines+1, ErrLedger, maxLine)
		}
		line, err := parseLine(bytes.TrimSuffix(text, []byte{'\n'}))
		if err != nil {
			if _, end := in.Peek(1); errors.Is(end, io.EOF) {
				s.Torn = true // sectors of a last write need not arrive in order
				return s, nil
			}
			return s, fmt.Errorf("line %d: %w", s.Lines+1, err)
		}
		if err := f(&line); err != nil {
			return s, err
		}
		s.Lines++
		s.Bytes += int64(len(text))
	}
}
