package pulse

import (
	"maps"
	"sync"
)

// Tally counts by name. Any number of goroutines may Add.
type Tally struct {
	mu     sync.Mutex
	counts map[string]int64
}

// Add counts one.
func (t *Tally) Add(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = map[string]int64{}
	}
	t.counts[name]++
}

// Snapshot returns the counts so far.
func (t *Tally) Snapshot() map[string]int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.counts)
}
