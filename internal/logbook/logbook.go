// Package logbook makes the process's logger: text for people, JSON for
// machines, with what repeats folded into a count.
//
// Upstream: the section log of the configuration.
// Downstream: every room logs through slog.
//
// Invariants: standard library only; below debug nothing is logged per event; a
// line that repeats within foldFor is counted and said once more at its end.
package logbook

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

// foldFor is how long a line that was logged is only counted.
const foldFor = 10 * time.Second

// New makes a logger on w: JSON, or text when asked.
func New(w io.Writer, level slog.Leveler, json bool) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	var h slog.Handler = slog.NewTextHandler(w, options)
	if json {
		h = slog.NewJSONHandler(w, options)
	}
	return slog.New(&folding{Handler: h, seen: &seen{lines: map[line]*fold{}}})
}

// line is what counts as the same: level, message and the first attribute, which
// says of what. The others may differ.
type line struct {
	level slog.Level
	text  string
	about string
}

func lineOf(r slog.Record) line {
	l := line{level: r.Level, text: r.Message}
	r.Attrs(func(a slog.Attr) bool {
		l.about = a.Key + "=" + a.Value.String()
		return false
	})
	return l
}

type fold struct {
	count int
	last  slog.Record
}

type seen struct {
	mu    sync.Mutex
	lines map[line]*fold
}

// folding passes warnings and errors on once per foldFor and line.
type folding struct {
	slog.Handler
	seen *seen
}

// Handle passes r on, or counts it.
func (f *folding) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelWarn {
		return f.Handler.Handle(ctx, r)
	}
	id := lineOf(r)
	f.seen.mu.Lock()
	if old := f.seen.lines[id]; old != nil {
		old.count++
		old.last = r
		f.seen.mu.Unlock()
		return nil
	}
	f.seen.lines[id] = &fold{}
	f.seen.mu.Unlock()
	time.AfterFunc(foldFor, func() { f.unfold(context.WithoutCancel(ctx), id) })
	return f.Handler.Handle(ctx, r)
}

// unfold says how often the line came again, and counts on when it did.
func (f *folding) unfold(ctx context.Context, id line) {
	f.seen.mu.Lock()
	old := f.seen.lines[id]
	if old.count == 0 {
		delete(f.seen.lines, id)
		f.seen.mu.Unlock()
		return
	}
	f.seen.lines[id] = &fold{}
	f.seen.mu.Unlock()
	again := old.last.Clone()
	again.AddAttrs(slog.Int("repeated", old.count))
	_ = f.Handler.Handle(ctx, again) // nowhere to say that the log cannot be written
	time.AfterFunc(foldFor, func() { f.unfold(ctx, id) })
}

// WithAttrs keeps folding.
func (f *folding) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &folding{f.Handler.WithAttrs(attrs), f.seen}
}

// WithGroup keeps folding.
func (f *folding) WithGroup(name string) slog.Handler {
	return &folding{f.Handler.WithGroup(name), f.seen}
}
