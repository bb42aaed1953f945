package trail

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// load reads what an earlier run left. Whatever is unreadable is thrown away
// whole: the topics have it all.
func (ix *index) load() error {
	if ix.dir == "" {
		return nil
	}
	if err := os.MkdirAll(ix.dir, 0o755); err != nil {
		return fmt.Errorf("trail: %w", err)
	}
	m, err := readManifest(ix.dir)
	var segments []*segment
	if err == nil {
		segments, err = openSegments(ix.dir, m.Segments)
	}
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) || len(m.Segments) > 0 {
			ix.log.Warn("trail index is unreadable and is built again from the topics", "error", err)
		}
		return ix.reset()
	}
	ix.mu.Lock()
	defer ix.mu.Unlock()
	ix.salt, ix.topics, ix.segments, ix.next = m.Salt, m.Topics, segments, m.Next
	ix.position, ix.sealed = m.positions(), m.positions()
	return m.removeStrays(ix.dir)
}

func openSegments(dir string, names []string) ([]*segment, error) {
	var out []*segment
	for _, name := range names {
		s, err := openSegment(filepath.Join(dir, name))
		if err != nil {
			for _, opened := range out {
				_ = opened.file.Close()
			}
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// reset forgets everything, on disk too.
func (ix *index) reset() error {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	for _, s := range ix.segments {
		_ = s.file.Close() // was only read
	}
	ix.empty()
	ix.failed = false
	if ix.dir == "" {
		return nil
	}
	if err := os.Remove(manifestPath(ix.dir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("trail: %w", err)
	}
	return manifest{}.removeStrays(ix.dir)
}
