package verify

import (
	"betimes/internal/kafka"
)

// far is how many records were told, and how many events wait for an ending.
func (c *Checker) far() (told, waiting int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.told, c.waiting
}

func (c *Checker) progressed() Progressed {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := Progressed{Records: c.told, Events: c.counts.Events, Ended: c.counts.Ended, Waiting: c.waiting}
	for _, n := range c.found.count {
		p.Broken += n
	}
	return p
}

// reaches keeps the bounds and says whether both readings have passed the ends.
func (c *Checker) reaches(all map[kafka.Partition]bounds) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bounds = all
	for p, in := range all {
		if in.end == in.start {
			continue
		}
		b := c.books.log[p]
		if b == nil || b.next[lying] < in.end || b.next[committed] < in.end && !b.ended(in.end) {
			return false
		}
	}
	return true
}

// ended says that nothing committed is left before the end.
func (b *book) ended(end int64) bool {
	for offset := b.next[committed]; offset < end; offset++ {
		if one := b.look(offset); one == nil || one.flags&(logAborted|logOpen) == 0 {
			return false
		}
	}
	return true
}
