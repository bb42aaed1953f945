package verify

import (
	"betimes/internal/kafka"
)

// place is where an event was found.
type place uint8

// The places. Parked is a waiting room.
const (
	predicted place = iota
	deadLetter
	quarantined
	shed
	parked
	numPlaces = iota
)

const terminal = 1<<predicted | 1<<deadLetter | 1<<quarantined | 1<<shed

// identity is an id: what the ledger says of it, and what was seen.
type identity struct {
	hash    uint64
	offset  int64 // before the answer: what its key had reached; after: where it is, -1 when not told
	acked   int64 // ms; of the answer OK
	part    int32
	crc     uint32 // of the value sent
	key     uint32 // in keys; 0: none
	outcome Outcome
	sends   uint8
	seen    uint8 // records in events, without replays
	calls   uint8
}

func (i *identity) hashOf() uint64 { return i.hash }

// lane is a key, or a partition where order is by partition.
type lane struct {
	hash  uint64
	floor int64             // highest offset that was acknowledged
	part  int32             // of floor
	count uint32            // events so far
	last  [numPlaces]uint32 // number of the newest event that ended
}

func (l *lane) hashOf() uint64 { return l.hash }

// What is known of an accepted event.
const (
	flagPresent = 1 << iota // it was read as committed
	flagReplay              // a dead letter sent home: its id was there before
	flagMissed              // predicted by the model, which a cache did not spare
)

// accepted is one record of the topic of events.
type accepted struct {
	recorded int64  // ms
	first    uint32 // ms after recorded: its first ending, plus one; 0: none
	last     uint32 // … its newest
	id       uint32 // in ids
	lane     uint32 // in lanes; 0: none
	number   uint32 // within its lane, from 1
	value    uint32 // checksum of key and value
	headers  uint32 // checksum of foreign headers
	places   uint8
	copies   uint8
	flags    uint8
}

func (a *accepted) present() bool { return a != nil && a.flags&flagPresent != 0 }

// What is known of a record in the log.
const (
	logSeen    = 1 << iota // told by this session's reading of all that lies there
	logOpen                // of a transaction whose end was not seen yet
	logAborted             // of one that was aborted
	logMarker
	logRead    // told by the reading of what is committed
	logKnown   // its checksum is kept, perhaps from an earlier session
	logCounted // it was taken into account, perhaps in one
)

// logged is one offset of one partition.
type logged struct {
	sum   uint32 // of key, value and headers
	flags uint8
}

// book is one partition as it was read.
type book struct {
	base    int64 // offset of the first element
	records list[logged]
	open    map[int64][]int64 // producer → its offsets that wait for a marker
	next    [2]int64          // of each reading in this session; 0: nothing yet
}

// The two readings.
const (
	lying     = iota // all that lies in the log
	committed        // what is committed
)

// farthest is how far offsets may leap: the list has a pointer per chunk.
const farthest = 1 << 34

// at gives the element of an offset, nil when it is out of bounds.
func (b *book) at(offset int64) *logged {
	if b.records.n == 0 {
		b.base = offset / chunkOf * chunkOf
	}
	if offset < b.base {
		b.lower(offset)
	}
	if i := offset - b.base; i < farthest {
		return b.records.at(int(i))
	}
	return nil
}

// lower begins the book earlier: the other reading began later.
func (b *book) lower(offset int64) {
	base := offset / chunkOf * chunkOf
	more := int((b.base - base) / chunkOf)
	b.records.chunks = append(make([]*[chunkOf]logged, more), b.records.chunks...)
	b.records.n += more * chunkOf
	b.base = base
}

func (b *book) look(offset int64) *logged { return b.records.look(int(offset - b.base)) }

// partition of events: the events by offset.
type shelf struct {
	base   int64
	events list[accepted]
}

func (s *shelf) at(offset int64) *accepted {
	if s.events.n == 0 {
		s.base = offset / chunkOf * chunkOf
	}
	if i := offset - s.base; i >= 0 && i < farthest {
		return s.events.at(int(i))
	}
	return nil
}

// books are all partitions.
type books struct {
	log    map[kafka.Partition]*book
	events map[int32]*shelf
}

func (b *books) book(p kafka.Partition) *book {
	one := b.log[p]
	if one == nil {
		one = &book{open: map[int64][]int64{}}
		b.log[p] = one
	}
	return one
}

func (b *books) shelf(number int32) *shelf {
	one := b.events[number]
	if one == nil {
		one = &shelf{}
		b.events[number] = one
	}
	return one
}

// find gives the event of a place in the topic of events, nil when it was not read.
func (b *books) find(number int32, offset int64) *accepted {
	s := b.events[number]
	if s == nil {
		return nil
	}
	return s.events.look(int(offset - s.base))
}
