package verify

// chunkOf is how many elements a list grows by.
const chunkOf = 1 << 13

// list is a long list whose elements never move. Parts that were never touched
// take a pointer for each chunk.
type list[T any] struct {
	chunks []*[chunkOf]T
	n      int // one behind the last that was touched
}

// at gives element i, made when it was not there.
func (l *list[T]) at(i int) *T {
	for len(l.chunks) <= i/chunkOf {
		l.chunks = append(l.chunks, nil)
	}
	c := &l.chunks[i/chunkOf]
	if *c == nil {
		*c = new([chunkOf]T)
	}
	l.n = max(l.n, i+1)
	return &(*c)[i%chunkOf]
}

// look gives element i, nil when it was never touched.
func (l *list[T]) look(i int) *T {
	if i < 0 || i >= l.n || l.chunks[i/chunkOf] == nil {
		return nil
	}
	return &l.chunks[i/chunkOf][i%chunkOf]
}

// hashed is an element that knows its hash.
type hashed interface{ hashOf() uint64 }

// table finds elements of a list by their hash. Element 0 is nobody's, so that
// 0 can mean none.
type table[T any, P interface {
	*T
	hashed
}] struct {
	list  list[T]
	slots []uint32 // open addressing; its length is a power of two
}

// find gives the number of the element with a hash, 0 for none.
func (t *table[T, P]) find(hash uint64) uint32 {
	if len(t.slots) == 0 {
		return 0
	}
	return t.slots[t.slot(hash)]
}

// slot is where the element with a hash is, or would be.
func (t *table[T, P]) slot(hash uint64) int {
	mask := len(t.slots) - 1
	for i := int(hash^hash>>32) & mask; ; i = (i + 1) & mask {
		n := t.slots[i]
		if n == 0 || P(t.list.at(int(n))).hashOf() == hash {
			return i
		}
	}
}

// add gives the number of the element with a hash; made tells that it is new and
// zero: the caller sets its hash.
func (t *table[T, P]) add(hash uint64) (n uint32, made bool) {
	if 3*t.list.n >= 2*len(t.slots) {
		t.grow()
	}
	i := t.slot(hash)
	if t.slots[i] != 0 {
		return t.slots[i], false
	}
	t.list.at(0)
	n = uint32(t.list.n)
	t.list.at(int(n))
	t.slots[i] = n
	return n, true
}

func (t *table[T, P]) grow() {
	old := t.slots
	t.slots = make([]uint32, max(1<<12, 2*len(old)))
	for _, n := range old {
		if n != 0 {
			t.slots[t.slot(P(t.list.at(int(n))).hashOf())] = n
		}
	}
}

// get gives an element by its number.
func (t *table[T, P]) get(n uint32) *T { return t.list.at(int(n)) }

// each gives f every element with its number.
func (t *table[T, P]) each(f func(n uint32, e *T)) {
	for n := 1; n < t.list.n; n++ {
		f(uint32(n), t.list.at(n))
	}
}
