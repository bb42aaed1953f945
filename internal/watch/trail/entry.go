package trail

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"betimes/internal/event"
)

// entryBytes is the size of an entry on disk.
const entryBytes = 24

// entry says in which record to look for an id of that hash.
type entry struct {
	hash   uint64
	where  uint64 // topic 8 bits, partition 24 bits, time 32 bits (Unix s)
	offset int64
}

// Bounds of what an entry can name.
const (
	maxTopics     = 1 << 8
	maxPartitions = 1 << 24
)

func newEntry(hash uint64, topic int, src event.Source, at time.Time) entry {
	seconds := uint32(min(max(at.Unix(), 0), 1<<32-1))
	return entry{hash, uint64(topic)<<56 | uint64(src.Partition)<<32 | uint64(seconds), src.Offset}
}

func (e entry) topic() int       { return int(e.where >> 56) }
func (e entry) partition() int32 { return int32(e.where >> 32 & (maxPartitions - 1)) }
func (e entry) seconds() uint32  { return uint32(e.where) }

// same says whether two entries name the same record.
func (e entry) same(o entry) bool { return e.where>>32 == o.where>>32 && e.offset == o.offset }

func (e entry) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, e.hash)
	b = binary.BigEndian.AppendUint64(b, e.where)
	return binary.BigEndian.AppendUint64(b, uint64(e.offset))
}

// readEntry reads the first entryBytes of b.
func readEntry(b []byte) entry {
	return entry{
		binary.BigEndian.Uint64(b),
		binary.BigEndian.Uint64(b[8:]),
		int64(binary.BigEndian.Uint64(b[16:])),
	}
}

// hashID hashes an id with the index's own salt: ids are chosen by clients, who
// must not be able to make many of one hash.
func hashID(salt []byte, id string) uint64 {
	var buf [128]byte
	sum := sha256.Sum256(append(append(buf[:0], salt...), id...))
	return binary.BigEndian.Uint64(sum[:])
}
