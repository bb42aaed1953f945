package loadgen

import "betimes/internal/event"

// slot is what is known of one event that was sent. It is small: a million of
// them are 40 MB.
type slot struct {
	intended  int64 // ns from the start
	offset    int64 // of the first accepted record; -1: not known
	partition int32
	outcome   Outcome
	places    uint8 // bit per event.Place it was found in
	sends     uint8
	copies    uint8 // accepted records, more than one only for a repeated event sent straight to the brokers
	ended     uint8 // terminal records found
	label     int8
	measured  bool // sent after the warm-up
}

// found says whether the event was found in the place.
func (s *slot) found(p event.Place) bool { return s.places&(1<<p) != 0 }

// open is how many terminal records are still to come; of an event that waits in
// parked none is expected.
func (s *slot) open() int {
	if s.found(event.Parked) {
		return 0
	}
	return max(int(s.copies)-int(s.ended), 0)
}

const slotChunk = 8192

// slots are the events by number, in chunks, so that growing moves nothing.
type slots struct {
	chunks []*[slotChunk]slot
	n      int
}

// at returns the slot of a number, made when need be.
func (s *slots) at(number int) *slot {
	for number/slotChunk >= len(s.chunks) {
		s.chunks = append(s.chunks, new([slotChunk]slot))
	}
	s.n = max(s.n, number+1)
	return &s.chunks[number/slotChunk][number%slotChunk]
}

// all calls visit for every slot that was sent.
func (s *slots) all(visit func(*slot)) {
	for i := range s.n {
		if one := s.at(i); one.sends > 0 {
			visit(one)
		}
	}
}
