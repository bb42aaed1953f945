package clock

import (
	"container/heap"
	"context"
	"errors"
	"sync"
	"time"
)

// Clock is time that can be pushed forward. Make one with New.
type Clock struct {
	mu       sync.Mutex
	settled  *sync.Cond // active became 0
	active   int        // goroutines of Go that are not asleep
	frozen   bool       // Advance decides what time it is
	at       time.Time  // now, while frozen
	offset   time.Duration
	sleepers sleepers
	advance  sync.Mutex // one Advance at a time
}

// New makes a Clock that shows the machine's time.
func New() *Clock {
	c := &Clock{}
	c.settled = sync.NewCond(&c.mu)
	return c
}

// Now is the emulator's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *Clock) now() time.Time {
	if c.frozen {
		return c.at
	}
	return time.Now().Add(c.offset)
}

// Go runs f on its own goroutine. Only such goroutines may Sleep; Advance waits for them.
func (c *Clock) Go(f func()) {
	c.mu.Lock()
	c.active++
	c.mu.Unlock()
	go func() {
		defer c.rest()
		f()
	}()
}

func (c *Clock) rest() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.active--
	if c.active == 0 {
		c.settled.Broadcast()
	}
}

// Sleep waits until d of the emulator's time is over or ctx ends. Call it on a goroutine of Go only.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	s := c.lieDown(d)
	defer s.timer.Stop()
	select {
	case <-s.woken: // Advance counted us as active already
		return ctx.Err()
	case <-s.timer.C:
	case <-ctx.Done():
	}
	c.getUp(s)
	return ctx.Err()
}

func (c *Clock) lieDown(d time.Duration) *sleeper {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &sleeper{until: c.now().Add(d), timer: time.NewTimer(d), woken: make(chan struct{})}
	heap.Push(&c.sleepers, s)
	c.active--
	if c.active == 0 {
		c.settled.Broadcast()
	}
	return s
}

// getUp takes s out of bed, unless Advance did it in the meantime.
func (c *Clock) getUp(s *sleeper) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.index >= 0 {
		heap.Remove(&c.sleepers, s.index)
		c.active++
	}
}

// Advance adds by to the time. It returns when everything due by then has been
// done, or with an error when ctx ends first (the time has been added all the same).
func (c *Clock) Advance(ctx context.Context, by time.Duration) (time.Time, error) {
	if by < 0 {
		return c.Now(), errors.New("time cannot go back; give a positive duration")
	}
	c.advance.Lock()
	defer c.advance.Unlock()
	stop := context.AfterFunc(ctx, c.settled.Broadcast)
	defer stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.now()
	c.frozen = true
	target := c.at.Add(by)
	err := c.wakeAll(ctx, target)
	c.frozen = false
	c.offset = time.Until(target)
	for _, s := range c.sleepers { // each has less left than its timer knows
		s.timer.Reset(s.until.Sub(target))
	}
	return target, err
}

// wakeAll wakes sleepers one after another up to target; c.mu is held.
func (c *Clock) wakeAll(ctx context.Context, target time.Time) error {
	for {
		for c.active > 0 && ctx.Err() == nil {
			c.settled.Wait()
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if len(c.sleepers) == 0 || c.sleepers[0].until.After(target) {
			return nil
		}
		s := heap.Pop(&c.sleepers).(*sleeper)
		if s.until.After(c.at) {
			c.at = s.until
		}
		c.active++
		close(s.woken)
	}
}

// sleeper is one Sleep; index is -1 once it is out of the heap.
type sleeper struct {
	until time.Time
	timer *time.Timer // of the machine's time
	woken chan struct{}
	index int
}

type sleepers []*sleeper

func (s sleepers) Len() int           { return len(s) }
func (s sleepers) Less(i, j int) bool { return s[i].until.Before(s[j].until) }
func (s sleepers) Swap(i, j int) {
	s[i], s[j] = s[j], s[i]
	s[i].index, s[j].index = i, j
}
func (s *sleepers) Push(x any) {
	x.(*sleeper).index = len(*s)
	*s = append(*s, x.(*sleeper))
}
func (s *sleepers) Pop() any {
	last := len(*s) - 1
	x := (*s)[last]
	x.index = -1
	*s = (*s)[:last]
	return x
}
