package trail

import (
	"fmt"
	"iter"
	"maps"
	"path/filepath"
	"slices"
)

// turn begins a new generation when the newest is full, or in any case when
// forced, and says whether there is one to seal. The caller has sealed the one before.
func (ix *index) turn(force bool) bool {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	if !ix.recent.full() && !(force && len(ix.recent.slots) > 0) {
		return false
	}
	ix.sealing, ix.recent = ix.recent, newRecent(ix.size)
	if ix.dir == "" || ix.failed {
		return false
	}
	ix.sealed = maps.Clone(ix.position)
	return true
}

// fail goes on in memory after a segment could not be written. The manifest stays
// as it was, so that the next start reads again what is not on disk.
func (ix *index) fail(cause error) {
	ix.mu.Lock()
	ix.failed = true
	ix.mu.Unlock()
	ix.log.Error("trail index cannot be written and goes on in memory until the next start", "error", cause)
}

// full says whether turn would begin a new generation.
func (ix *index) full() bool {
	ix.mu.RLock()
	defer ix.mu.RUnlock()
	return ix.recent.full()
}

// seal writes the generation that turn left, drops the oldest segments above the
// bound and merges small ones.
func (ix *index) seal() error {
	entries := ix.sealing.sorted()
	s, err := ix.create(int64(len(entries)), infallible(entries))
	if err != nil {
		return err
	}
	var dropped []*segment
	ix.mu.Lock()
	ix.segments = append(ix.segments, s)
	ix.sealing = nil
	dropped = ix.dropOldest()
	ix.mu.Unlock()
	if err := ix.commit(dropped); err != nil {
		return err
	}
	return ix.merge()
}

func infallible(entries []entry) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// create writes a new segment; it counts once the manifest names it.
func (ix *index) create(count int64, entries iter.Seq2[entry, error]) (*segment, error) {
	ix.mu.Lock()
	path := filepath.Join(ix.dir, fmt.Sprintf("%08d%s", ix.next, segmentExt))
	ix.next++
	ix.mu.Unlock()
	if err := writeSegment(path, count, entries); err != nil {
		return nil, err
	}
	return openSegment(path)
}

// dropOldest takes the oldest segments above the bound out; ix.mu is held.
func (ix *index) dropOldest() []*segment {
	var total int64
	for i := len(ix.segments) - 1; i >= 0; i-- {
		total += ix.segments[i].bytes()
		if total > ix.max {
			dropped := slices.Clone(ix.segments[:i+1])
			ix.segments = slices.Delete(ix.segments, 0, i+1)
			return dropped
		}
	}
	return nil
}

// commit writes the manifest and then deletes files that it no longer names.
func (ix *index) commit(dropped []*segment) error {
	ix.mu.RLock()
	m := manifest{Format: manifestFormat, Salt: ix.salt, Topics: slices.Clone(ix.topics), Next: ix.next, Positions: storedPositions(ix.sealed)}
	for _, s := range ix.segments {
		m.Segments = append(m.Segments, filepath.Base(s.path))
	}
	ix.mu.RUnlock()
	if err := m.write(ix.dir); err != nil {
		return err
	}
	for _, s := range dropped {
		if err := s.remove(); err != nil {
			return fmt.Errorf("trail: %w", err)
		}
	}
	return nil
}
