package trail

import (
	"crypto/rand"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"betimes/internal/event"
)

const (
	segmentExt   = ".segment"
	recentMost   = 1 << 16 // entries in memory before they are sealed: some 6 MB
	recentShare  = 32      // of max_bytes, at most, is one sealed segment
	headroomPart = 8       // one part in this many is left for the file that a merge writes
)

// index keeps entries: the newest in memory, the others in segments, oldest first.
// One goroutine adds; one seals; any number search.
type index struct {
	dir  string // empty: memory only, the newest two generations
	max  int64  // bytes of segments
	size int    // entries of a generation
	log  *slog.Logger

	mu       sync.RWMutex
	salt     []byte
	topics   []string
	recent   *recent
	sealing  *recent // full, on its way to disk; with no dir: the generation before
	segments []*segment
	next     int
	failed   bool      // the disk did not take a segment: memory only until the next start
	position Positions // of what has been added
	sealed   Positions // of what is on disk
}

func newIndex(dir string, maxBytes int64, log *slog.Logger) *index {
	size := int(min(recentMost, max(maxBytes/entryBytes/recentShare, 64)))
	ix := &index{dir: dir, max: maxBytes - maxBytes/headroomPart, size: size, log: log}
	ix.empty()
	return ix
}

// empty begins anew in memory.
func (ix *index) empty() {
	ix.salt = make([]byte, 16)
	_, _ = rand.Read(ix.salt) // never fails, says its documentation
	ix.topics, ix.segments, ix.sealing = nil, nil, nil
	ix.recent = newRecent(ix.size)
	ix.position, ix.sealed = Positions{}, Positions{}
}

// accept notes the record of an event, end that of an ending; each also moves
// the position past it.
func (ix *index) accept(id string, src event.Source, at time.Time) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	if e, ok := ix.entry(id, src, at); ok {
		ix.recent.accept(e)
	}
	ix.passed(src)
}

func (ix *index) end(id string, src event.Source, at time.Time, source event.Source, known bool) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	e, ok := ix.entry(id, src, at)
	if ok {
		var from entry
		if known {
			from, known = ix.entry(id, source, at)
		}
		ix.recent.end(e, from, known)
	}
	ix.passed(src)
}

func (ix *index) passed(src event.Source) {
	ix.position[Partition{src.Topic, src.Partition}] = src.Offset + 1
}

func (ix *index) entry(id string, src event.Source, at time.Time) (entry, bool) {
	topic := slices.Index(ix.topics, src.Topic)
	if topic < 0 {
		if len(ix.topics) == maxTopics {
			return entry{}, false
		}
		topic = len(ix.topics)
		ix.topics = append(ix.topics, src.Topic)
	}
	if src.Partition < 0 || src.Partition >= maxPartitions {
		return entry{}, false
	}
	return newEntry(hashID(ix.salt, id), topic, src, at), true
}

// find gives the records in which id may be.
func (ix *index) find(id string) ([]event.Source, error) {
	ix.mu.RLock()
	defer ix.mu.RUnlock()
	hash := hashID(ix.salt, id)
	entries := ix.recent.find(hash, nil)
	if ix.sealing != nil {
		entries = ix.sealing.find(hash, entries)
	}
	for _, s := range slices.Backward(ix.segments) {
		var err error
		if entries, err = s.find(hash, entries); err != nil {
			return nil, err
		}
	}
	out := make([]event.Source, 0, len(entries))
	for _, e := range entries {
		if e.topic() < len(ix.topics) {
			out = append(out, event.Source{Topic: ix.topics[e.topic()], Partition: e.partition(), Offset: e.offset})
		}
	}
	return out, nil
}

// positions is a copy of where to read on.
func (ix *index) positions() Positions {
	ix.mu.RLock()
	defer ix.mu.RUnlock()
	return maps.Clone(ix.position)
}

// usage is how many entries there are, and how many bytes on disk.
func (ix *index) usage() (entries, bytes int64) {
	ix.mu.RLock()
	defer ix.mu.RUnlock()
	entries = int64(len(ix.recent.slots))
	if ix.sealing != nil {
		entries += int64(len(ix.sealing.slots))
	}
	for _, s := range ix.segments {
		entries += s.count
		bytes += s.bytes()
	}
	return entries, bytes
}

// close closes the files; nothing is found any more.
func (ix *index) close() {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	for _, s := range ix.segments {
		_ = s.file.Close() // was only read
	}
	ix.segments = nil
}
