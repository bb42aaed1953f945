package gateway

// answer is what the id of a durable event is remembered by.
type answer struct {
	id        digest
	body      uint64 // 0: not known, any body is the same
	offset    int64
	partition int32
	since     uint32 // ticks
}

const chunkAnswers = 1024

// ring keeps answers in order, oldest first, in chunks: it grows without
// copying and shrinks again. A place names an answer as long as it is kept;
// places count up and may wrap around.
type ring struct {
	chunks     []*[chunkAnswers]answer
	base       uint32 // place of the first of the first chunk
	head, tail uint32 // places of the oldest, and after the newest
}

func (r *ring) len() int { return int(r.tail - r.head) }

func (r *ring) at(place uint32) *answer {
	i := place - r.base
	return &r.chunks[i/chunkAnswers][i%chunkAnswers]
}

// push adds the newest answer and returns its place.
func (r *ring) push(a answer) uint32 {
	if int(r.tail-r.base) == len(r.chunks)*chunkAnswers {
		r.chunks = append(r.chunks, new([chunkAnswers]answer))
	}
	place := r.tail
	r.tail++
	*r.at(place) = a
	return place
}

// pop drops the oldest answer.
func (r *ring) pop() {
	r.head++
	if r.head-r.base < chunkAnswers {
		return
	}
	first := r.chunks[0]
	last := copy(r.chunks, r.chunks[1:])
	r.chunks = r.chunks[:last]
	r.base += chunkAnswers
	if int(r.tail-r.base) == len(r.chunks)*chunkAnswers {
		r.chunks = append(r.chunks, first) // the next push needs one
	}
}
