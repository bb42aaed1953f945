package injection

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"betimes/internal/lab/emulator/clock"
)

// Book holds the faults. Make one with New.
type Book struct {
	Storage []string // operations that s3_error hits

	clock  *clock.Clock
	active atomic.Pointer[[]*Fault] // nil: none

	mu     sync.Mutex
	next   int
	chance *rand.Rand // of what Of is asked for
}

// New makes an empty Book.
func New(c *clock.Clock, seed uint64) *Book {
	return &Book{clock: c, chance: rand.New(rand.NewPCG(seed, 0))}
}

// Add checks a fault, gives it an id and lets it work.
func (b *Book) Add(f *Fault) error {
	k, known := kindOf(f.Fault)
	if !known {
		return fmt.Errorf("fault: %q is not built; use %s", f.Fault, strings.Join(names(), ", "))
	}
	f.operations = k.Operations
	if f.operations == nil {
		f.operations = b.Storage
	}
	if err := f.check(k); err != nil {
		return err
	}
	f.complete()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next++
	f.ID = "f" + strconv.Itoa(b.next)
	f.gone = make(chan struct{})
	if f.For > 0 {
		f.until = b.clock.Now().Add(time.Duration(f.For))
	}
	b.set(append(b.List(), f))
	return nil
}

// set replaces the list; b.mu is held.
func (b *Book) set(faults []*Fault) {
	if len(faults) == 0 {
		b.active.Store(nil)
		return
	}
	b.active.Store(&faults)
}

// List is a copy of the faults, the oldest first.
func (b *Book) List() []*Fault {
	if now := b.active.Load(); now != nil {
		return append([]*Fault(nil), *now...)
	}
	return []*Fault{}
}

// Remove ends a fault; false when there is none of that id.
func (b *Book) Remove(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	var kept []*Fault
	found := false
	for _, f := range b.List() {
		if f.ID == id {
			found = true
			close(f.gone)
			continue
		}
		kept = append(kept, f)
	}
	b.set(kept)
	return found
}

// Clear ends all faults.
func (b *Book) Clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.List() {
		close(f.gone)
	}
	b.set(nil)
}

// Any says whether there is a fault at all.
func (b *Book) Any() bool { return b.active.Load() != nil }

// For finds the first fault that hits an invocation, or nil.
func (b *Book) For(w Where) *Fault {
	now := b.active.Load()
	if now == nil {
		return nil
	}
	for _, f := range *now {
		if slices.Contains(f.operations, w.Operation) && f.Match.fits(&w) && f.hit(b.clock.Now) {
			return f
		}
	}
	return nil
}

// Of finds the first fault of these kinds that hits, or nil.
func (b *Book) Of(w Where, kinds ...string) *Fault {
	if b.active.Load() == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if w.Chance == nil {
		w.Chance = b.chance
	}
	for _, f := range b.List() {
		if slices.Contains(kinds, f.Fault) && f.Match.fits(&w) && f.hit(b.clock.Now) {
			return f
		}
	}
	return nil
}
