package balance

import "time"

// aged are the calls under way at an endpoint, the oldest first.
type aged struct{ first, last *call }

func (a *aged) push(c *call) {
	c.prev = a.last
	if a.last == nil {
		a.first = c
	} else {
		a.last.next = c
	}
	a.last = c
}

func (a *aged) remove(c *call) {
	if c.prev == nil {
		a.first = c.next
	} else {
		c.prev.next = c.next
	}
	if c.next == nil {
		a.last = c.prev
	} else {
		c.next.prev = c.prev
	}
}

// age is how long the oldest has been under way; 0: there is none.
func (a *aged) age(now time.Time) time.Duration {
	if a.first == nil {
		return 0
	}
	return now.Sub(a.first.began)
}
