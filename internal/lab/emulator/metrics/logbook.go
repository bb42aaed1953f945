package metrics

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"betimes/internal/lab/emulator/store"
)

// datum is one data point on its way in: a line of the log.
type datum struct {
	Name    name    `json:"name"`
	Unit    string  `json:"unit,omitempty"`
	Fine    bool    `json:"fine,omitempty"`
	At      int64   `json:"at"` // milliseconds since 1970
	Summary summary `json:"summary"`
}

func (d *datum) time() time.Time { return time.UnixMilli(d.At).UTC() }

// logbook is a file of data points, one JSON object per line, that only grows
// while the emulator runs. A start leaves out what is too old.
type logbook struct {
	path string
	file *os.File
}

// openLogbook reads what is kept and gives it to remember.
func openLogbook(dir string, now time.Time, remember func(*datum)) (*logbook, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("emulator state: %w", err)
	}
	l := &logbook{path: filepath.Join(dir, "points.jsonl")}
	if err := l.compact(now.Add(-coarseKept).UnixMilli(), remember); err != nil {
		return nil, err
	}
	var err error
	if l.file, err = os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return nil, fmt.Errorf("emulator state: %w", err)
	}
	return l, nil
}

// compact reads the file and writes it again without what is too old. A last
// line that a kill has cut was never answered with success.
func (l *logbook) compact(oldest int64, remember func(*datum)) error {
	old, err := os.Open(l.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("emulator state: %w", err)
	}
	defer old.Close()
	next, err := os.CreateTemp(filepath.Dir(l.path), ".new-*")
	if err != nil {
		return fmt.Errorf("emulator state: %w", err)
	}
	defer func() { _ = os.Remove(next.Name()) }() // gone already when all went well
	out := bufio.NewWriter(next)
	in := bufio.NewReader(old)
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		var d datum
		if err == nil {
			err = json.Unmarshal(line, &d)
		}
		if err != nil {
			_ = next.Close()
			return fmt.Errorf("emulator state: %s line %d: %w; remove the file to go on without its data points", l.path, n, err)
		}
		if d.At < oldest {
			continue
		}
		remember(&d)
		_, _ = out.Write(line) // Flush gives the error
	}
	if err := out.Flush(); err != nil {
		_ = next.Close()
		return fmt.Errorf("emulator state: %w", err)
	}
	return store.Commit(next, l.path)
}

// write keeps data points; durable ones are on disk when it returns.
func (l *logbook) write(data []datum, durable bool) error {
	if l.file == nil { // closed: the emulator ends
		return nil
	}
	var lines []byte
	for i := range data {
		line, err := json.Marshal(&data[i])
		if err != nil {
			return fmt.Errorf("emulator state: %w", err)
		}
		lines = append(append(lines, line...), '\n')
	}
	if _, err := l.file.Write(lines); err != nil {
		return fmt.Errorf("emulator state: %w", err)
	}
	if !durable {
		return nil
	}
	return l.file.Sync()
}

func (l *logbook) clear() error {
	if l.file == nil {
		return nil
	}
	return l.file.Truncate(0)
}

func (l *logbook) close() error {
	if l.file == nil {
		return nil
	}
	err := errors.Join(l.file.Sync(), l.file.Close())
	l.file = nil
	return err
}
