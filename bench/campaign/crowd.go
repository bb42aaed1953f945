package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// crowd is the members of one group: processes that come and go.
type crowd struct {
	o        options
	at       *place
	group    string
	settings []string // of flow.stream
	named    bool     // a folder, hence a name, is used again
	random   *rand.Rand
	witness  *witness
	held     *holdings

	free    []*station // of members that have gone, for those that come
	running []*resident
	gone    []life
}

// resident is a member that runs.
type resident struct {
	station *station
	process *process
	life    life
}

// join starts a member. It does not wait until it has partitions.
func (c *crowd) join() error {
	worker := fmt.Sprintf("w%d", len(c.gone)+len(c.running))
	var s *station
	if n := len(c.free); c.named && n > 0 {
		s, c.free = c.free[n-1], c.free[:n-1]
	} else {
		var err error
		if s, err = c.o.station(c.at, "stream", c.group, "", c.settings...); err != nil {
			return err
		}
		s.From = "latest" // what is there is of a run before
	}
	s.Model = c.witness.url(worker)
	p, err := c.o.startStation(s)
	if err != nil {
		return err
	}
	c.running = append(c.running, &resident{s, p, life{worker: worker, from: time.Now()}})
	c.held.follow(worker, s.Admin)
	return nil
}

// take takes a member that runs out of the list, one of those after the first n.
func (c *crowd) take(n int) *resident {
	i := n + c.random.IntN(len(c.running)-n)
	m := c.running[i]
	c.running = append(c.running[:i:i], c.running[i+1:]...)
	return m
}

// crash kills a member, one of those after the first n.
func (c *crowd) crash(n int) error {
	m := c.take(n)
	err := m.process.kill()
	c.bury(m, crashed)
	return err
}

// leave ends a member with SIGTERM, one of those after the first n.
func (c *crowd) leave(n int) error {
	m := c.take(n)
	err := m.process.stop()
	c.bury(m, left)
	return err
}

func (c *crowd) bury(m *resident, how ended) {
	m.life.to, m.life.how = time.Now(), how
	c.held.follow(m.life.worker, "")
	c.gone = append(c.gone, m.life)
	c.free = append(c.free, m.station)
}

// all are the lives of all members there were.
func (c *crowd) all() []life {
	list := append([]life(nil), c.gone...)
	for _, m := range c.running {
		list = append(list, m.life)
	}
	return list
}

// settle waits until the members that run have partitions.
func (c *crowd) settle(ctx context.Context) error {
	for _, m := range c.running {
		if err := assigned(ctx, m.process, m.station.Admin); err != nil {
			return err
		}
	}
	return nil
}

// end ends every member as it should be ended, and tells what was wrong with that.
func (c *crowd) end() (wrong []error) {
	for len(c.running) > 0 {
		if err := c.leave(0); err != nil {
			wrong = append(wrong, err)
		}
	}
	return wrong
}

func (c *crowd) clear() {
	for _, m := range c.running {
		m.process.clear()
	}
}
