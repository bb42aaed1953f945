package main

import (
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync/atomic"
	"time"
)

// stub is one model server: so many calls at once, the others wait in it.
type stub struct {
	number int
	group  *group
	port   *port
	slots  atomic.Pointer[chan struct{}]
	calls  atomic.Int64
}

// group are the stub servers of one process.
type group struct {
	fleet atomic.Pointer[fleet]
	stubs [most]*stub
	quit  chan struct{} // ends what works beside the servers
}

// newGroup binds the servers' addresses; nobody listens there yet.
func newGroup() (*group, error) {
	g := &group{quit: make(chan struct{})}
	for i := range g.stubs {
		p, err := bind()
		if err != nil {
			g.close()
			return nil, err
		}
		g.stubs[i] = &stub{number: i, group: g, port: p}
	}
	return g, nil
}

// reset makes the servers those of another fleet and counts from nothing.
func (g *group) reset(f fleet) error {
	for i, n := range f.Slots {
		slots := make(chan struct{}, n)
		g.stubs[i].slots.Store(&slots)
	}
	err := g.change(f)
	for _, s := range g.stubs {
		s.calls.Store(0)
	}
	return err
}

// change keeps the slots with what is in them, and the counts.
func (g *group) change(f fleet) error {
	g.fleet.Store(&f)
	close(g.quit)
	g.quit = make(chan struct{})
	for i, s := range g.stubs {
		if i >= len(f.Slots) || slices.Contains(f.Gone, i) {
			if err := s.port.shut(); err != nil {
				return err
			}
			continue
		}
		if err := s.port.open(s); err != nil {
			return err
		}
		if slices.Contains(f.Beside, i) {
			go s.beside(*s.slots.Load(), g.quit)
		}
	}
	return nil
}

func (g *group) close() {
	close(g.quit)
	for _, s := range g.stubs {
		if s != nil {
			s.port.close()
		}
	}
}

// counts are the calls of each server.
func (g *group) counts() (all []int64) {
	for _, s := range g.stubs {
		all = append(all, s.calls.Load())
	}
	return all
}

// Bursts of what works beside a server, and what is between them, on average.
const (
	burst = 100 * time.Millisecond
	pause = 400 * time.Millisecond
)

// beside is what else works on the machine of a server: in bursts it waits for one of
// the slots as a call does, and has it.
func (s *stub) beside(slots chan struct{}, quit <-chan struct{}) {
	wait := func(mean time.Duration) bool {
		select {
		case <-time.After(time.Duration(rand.ExpFloat64() * float64(mean))):
			return true
		case <-quit:
			return false
		}
	}
	for wait(pause) {
		select {
		case slots <- struct{}{}:
		case <-quit:
			return
		}
		on := wait(burst)
		<-slots
		if !on {
			return
		}
	}
}

// ServeHTTP answers {"v":1} after the service time.
func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	s.calls.Add(1)
	f := s.group.fleet.Load()
	if s.number == f.Broken {
		http.Error(w, "out of memory", http.StatusInternalServerError)
		return
	}
	slots := *s.slots.Load()
	select {
	case slots <- struct{}{}:
	case <-r.Context().Done():
		return
	}
	defer func() { <-slots }()
	select {
	case <-time.After(f.service(s.number)):
	case <-r.Context().Done():
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"v":1}`)
}

// service draws how long a call of a server takes once it has a slot.
func (f *fleet) service(server int) time.Duration {
	took := f.Least
	if f.Most > f.Least {
		took += rand.N(f.Most - f.Least)
	}
	if server == f.Slow {
		took *= 10
	}
	if rand.Float64() < f.Stalls {
		took += 100 * time.Millisecond
	}
	return took
}
