package stream

// take takes pending endings into the transaction, at most so many: those of
// partitions still owned, of which the note has room for.
func (t *transactor) take(most int) []*heldBack {
	p := t.p
	p.mu.Lock()
	var taken []*heldBack
	for before := -1; len(t.pending) > 0 && len(taken) < most && len(taken) > before; {
		before = len(taken) // what was taken may have made room
		taken = t.pick(taken, most)
	}
	if len(taken) == most && len(t.pending) > 0 {
		t.wake()
	}
	full, free := t.pauses()
	p.dispatch() // fewer predictions may wait for the brokers now
	p.mu.Unlock()
	for _, part := range free {
		p.member.Resume(part.id)
	}
	for _, part := range full {
		p.member.Pause(part.id)
		p.deps.Log.Warn("a partition is paused: so much has finished above its lowest unfinished event that the note of the commit has no room for more",
			"topic", part.id.Topic, "partition", part.id.Number)
	}
	return taken
}

// pick goes through what is pending once. p.mu is held.
func (t *transactor) pick(taken []*heldBack, most int) []*heldBack {
	var left []*heldBack
	for _, h := range t.pending {
		part := h.it.part
		switch {
		case part.ctx.Err() != nil:
			t.drop(h)
		case len(taken) == most:
			left = append(left, h)
		case part.hasRoom(h.it.seq):
			t.mark(h)
			taken = append(taken, h)
		case part.gone: // the next owner does it again: nothing of it is written
			t.drop(h)
		default:
			t.p.carry(h.it, nil) // else the attempt that makes room may have to wait for it
			left = append(left, h)
			t.paused[part] = t.paused[part] || false
		}
	}
	t.pending = left
	return taken
}

// hasRoom says whether the note has room for one more offset. Once it has not,
// only the lowest unfinished one is taken until that has moved.
func (part *partition) hasRoom(seq int64) bool {
	lowest := part.offsets.first
	if seq == lowest {
		return true
	}
	if part.full != lowest+1 && part.offsets.fits(seq) {
		return true
	}
	part.full = lowest + 1
	return false
}

// pauses tells which partitions are to be paused, and which go on. p.mu is held.
func (t *transactor) pauses() (full, free []*partition) {
	if len(t.paused) == 0 {
		return nil, nil
	}
	waits := map[*partition]bool{}
	for _, h := range t.pending {
		waits[h.it.part] = true
	}
	for part, known := range t.paused {
		switch {
		case part.gone || !waits[part]:
			delete(t.paused, part)
			if known {
				free = append(free, part)
			}
		case !known:
			t.paused[part] = true
			full = append(full, part)
		}
	}
	return full, free
}

// mark counts the offset of an ending as finished, for the transaction alone.
// p.mu is held.
func (t *transactor) mark(h *heldBack) {
	h.it.part.open++
	t.p.done(h.it)
}
