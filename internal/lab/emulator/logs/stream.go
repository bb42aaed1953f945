package logs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"betimes/internal/lab/emulator/clock"
)

// The limits of a stream.
const (
	maxLine   = 256 << 10 // bytes of an event, as on AWS; more is the next event
	maxStream = 16 << 20  // bytes of a stream here

	maxWritten = 7 * maxLine // bytes of an event in the file: JSON writes some as \u00XX
)

// event is one line.
type event struct {
	Timestamp int64  `json:"timestamp"` // milliseconds since 1970
	Message   string `json:"message"`
}

// Writer takes what a program writes, line by line. Make one with Service.Open.
type Writer struct {
	clock *clock.Clock

	mu      sync.Mutex
	file    *os.File
	rest    []byte // of a line that has not ended
	written int    // bytes of the file
}

// Write never fails: what a program logs must not stop it.
func (w *Writer) Write(text []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(text)
	for len(text) > 0 {
		line, after, ended := bytes.Cut(text, []byte("\n"))
		room := maxLine - len(w.rest)
		if len(line) > room {
			line, after, ended = text[:room], text[room:], true
		}
		w.rest = append(w.rest, line...)
		if ended {
			w.flush()
		}
		text = after
	}
	return n, nil
}

// flush makes an event of the line; w.mu is held.
func (w *Writer) flush() {
	line := strings.ToValidUTF8(strings.TrimSuffix(string(w.rest), "\r"), "\uFFFD")
	w.rest = w.rest[:0]
	if w.file == nil || w.written > maxStream {
		return
	}
	w.put(line)
	if w.written > maxStream {
		w.put(fmt.Sprintf("This emulator keeps %d bytes of a log stream; what comes after is dropped.", maxStream))
	}
}

func (w *Writer) put(line string) {
	raw, _ := json.Marshal(event{w.clock.Now().UnixMilli(), line}) // always marshals
	n, _ := w.file.Write(append(raw, '\n'))                        // a full disk loses log lines, nothing else
	w.written += n
}

// Close keeps a last line without an end.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.file == nil {
		return nil
	}
	if len(w.rest) > 0 {
		w.flush()
	}
	err := w.file.Close()
	w.file = nil
	return err
}

// Open gives the writer of a stream; a stream that exists is continued.
func (s *Service) Open(group, stream string) (*Writer, error) {
	path := s.path(group, stream)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("emulator logs: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("emulator logs: %w", err)
	}
	size, err := mend(file)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("emulator logs: %w", err), file.Close())
	}
	return &Writer{clock: s.Clock, file: file, written: int(size)}, nil
}

// mend cuts off a last line that a kill has left unfinished, and gives the size.
func mend(file *os.File) (int64, error) {
	info, err := file.Stat()
	if err != nil || info.Size() == 0 {
		return 0, err
	}
	tail := make([]byte, min(info.Size(), maxWritten))
	if _, err := file.ReadAt(tail, info.Size()-int64(len(tail))); err != nil {
		return 0, err
	}
	whole := info.Size() - int64(len(tail)) + int64(bytes.LastIndexByte(tail, '\n')) + 1
	if whole == info.Size() {
		return whole, nil
	}
	return whole, file.Truncate(whole)
}

// path is the file of a stream: names are escaped, so that none leaves the folder.
func (s *Service) path(group, stream string) string {
	return filepath.Join(s.Dir, escape(group), escape(stream)+".jsonl")
}

func escape(name string) string { return strings.ReplaceAll(url.QueryEscape(name), ".", "%2E") }

// read gives the events of a stream, oldest first; a line that is being written is left out.
func (s *Service) read(group, stream string) ([]event, error) {
	raw, err := os.ReadFile(s.path(group, stream))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, notFound("stream")
	}
	if err != nil {
		return nil, err
	}
	var all []event
	in := json.NewDecoder(bytes.NewReader(raw))
	for {
		var e event
		err := in.Decode(&e)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("emulator logs: %s: %w", s.path(group, stream), err)
		}
		all = append(all, e)
	}
}

// names lists a folder: groups, or the streams of one, sorted.
func (s *Service) names(group string) ([]string, error) {
	dir := s.Dir
	if group != "" {
		dir = filepath.Join(dir, escape(group))
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("emulator logs: %w", err)
	}
	var all []string
	for _, e := range entries {
		name, err := url.QueryUnescape(strings.TrimSuffix(e.Name(), ".jsonl"))
		if err == nil {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all, nil
}
