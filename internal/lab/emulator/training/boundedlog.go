package training

import (
	"bytes"
	"io"
)

// boundedLog keeps the first bytes of a log and drops the rest, so that a
// program that floods it fills no disk.
type boundedLog struct {
	w    io.Writer
	left int
}

// Write never fails for what it drops: the program must not notice.
func (l *boundedLog) Write(p []byte) (int, error) {
	if l.left <= 0 {
		return len(p), nil
	}
	kept := p[:min(len(p), l.left)]
	if _, err := l.w.Write(kept); err != nil {
		l.left = 0
		return len(p), nil
	}
	if l.left -= len(kept); l.left <= 0 {
		_, _ = io.WriteString(l.w, "\nthe log is cut here\n")
	}
	return len(p), nil
}

// lastLine keeps the newest line that says something, for failures without a text.
type lastLine struct{ line, rest []byte }

const maxLastLine = 512

// Write reads on.
func (l *lastLine) Write(p []byte) (int, error) {
	for chunk := range bytes.Lines(p) {
		l.rest = append(l.rest, chunk[:min(len(chunk), maxLastLine)]...)
		l.rest = l.rest[:min(len(l.rest), maxLastLine)]
		if chunk[len(chunk)-1] == '\n' {
			l.end()
		}
	}
	return len(p), nil
}

func (l *lastLine) end() {
	if said := bytes.TrimSpace(l.rest); len(said) > 0 {
		l.line = bytes.Clone(said)
	}
	l.rest = l.rest[:0]
}

func (l *lastLine) String() string {
	l.end()
	return string(l.line)
}
