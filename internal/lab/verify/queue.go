package verify

import (
	"betimes/internal/event"
	"betimes/internal/kafka"
)

// queue holds the endings of one partition while the event of the first was not
// read yet: those behind it wait as well, else their order would be lost.
type queue struct {
	list []ending
}

// end takes an ending in. c.mu is held.
func (c *Checker) end(e ending) {
	p := kafka.Partition{Topic: e.at.Topic, Number: e.at.Partition}
	q := c.queues[p]
	if q == nil {
		q = &queue{}
		c.queues[p] = q
	}
	q.list = append(q.list, e)
	c.queued++
	if len(q.list) == 1 {
		c.drain(p, false)
	}
}

// drain applies the endings whose events are there. With all, one without an
// event is told as such and the rest goes on.
func (c *Checker) drain(p kafka.Partition, all bool) {
	q := c.queues[p]
	n := 0
	for ; n < len(q.list); n++ {
		e := &q.list[n]
		one := c.eventOf(e)
		if one == nil && !all && !c.strange(e) {
			c.awaited[e.source] = append(c.awaited[e.source], p)
			break
		}
		if one == nil {
			c.orphans = append(c.orphans, orphan{e.source, e.at, e.id})
			continue
		}
		c.apply(one, e)
	}
	c.queued -= n
	if q.list = q.list[n:]; len(q.list) == 0 {
		q.list = nil
	}
}

// eventOf gives the event of an ending, nil when it was not read.
func (c *Checker) eventOf(e *ending) *accepted {
	if !e.ofEvent || e.source.Topic != c.cfg.Topics.Events {
		return nil
	}
	if one := c.books.find(e.source.Partition, e.source.Offset); one.present() {
		return one
	}
	return nil
}

// strange says that the event of an ending cannot come any more.
func (c *Checker) strange(e *ending) bool {
	if !e.ofEvent || e.source.Topic != c.cfg.Topics.Events {
		return true
	}
	b := c.books.log[kafka.Partition{Topic: e.source.Topic, Number: e.source.Partition}]
	return b != nil && e.source.Offset < b.next[committed]
}

// came applies the endings that waited for an event.
func (c *Checker) came(src event.Source) {
	waiting := c.awaited[src]
	delete(c.awaited, src)
	for _, p := range waiting {
		c.drain(p, false)
	}
}

// orphan is an ending without an event.
type orphan struct {
	source, at event.Source
	id         uint64
}

// finish tells that all was told: what waits still has no event.
func (c *Checker) finish() {
	for p := range c.queues {
		c.drain(p, true)
	}
	clear(c.awaited)
}
