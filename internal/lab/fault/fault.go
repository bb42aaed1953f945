package fault

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Side is the way a frame goes.
type Side int

// A Fault acts on the request, or on the answer to a request that the broker got.
const (
	Request Side = iota
	Response
)

// Action is what is done to a frame.
type Action int

// The actions.
const (
	// Drop ends the connection in its place. The answer of a request that was
	// applied is lost so: applied, but unknown.
	Drop Action = iota
	// Hold keeps it, and what comes behind it on its connection, until the Fault
	// is removed: one way of the connection is silent. It is delivered then, also
	// when its client has gone.
	Hold
	// Delay keeps it, and what comes behind it, for Fault.For.
	Delay
	// Duplicate sends it twice. The broker's second answer is kept from the client.
	Duplicate
	// Reset sends half of it, then ends both connections with a TCP reset.
	Reset
	// Truncate sends a frame that ends too early, but is a frame.
	Truncate
	// Flip turns bits of it over.
	Flip
	// Refuse answers with Fault.Code: in place of the broker on Request, which
	// never sees it; on Response after the broker has applied it.
	Refuse
)

// Fault says which frames are hit, and how. What is left out matches everything.
type Fault struct {
	Keys   []kmsg.Key              // kinds of request
	Nodes  []int32                 // brokers; a client's first connections have none
	Client string                  // part of the client's id
	When   func(kmsg.Request) bool // looks at the request
	Skip   int                     // so many that match are let through first
	Every  int                     // of the others one of so many is hit; 0: each
	Count  int                     // so many are hit; 0: one; below 0: all, until Remove

	On   Side
	Do   Action
	For  time.Duration // of Delay
	Code int16         // of Refuse
}

// Handle is a Fault at work.
type Handle struct {
	fault   Fault
	proxy   *Proxy
	removed chan struct{}
	remove  sync.Once

	// guarded by proxy.mu
	seen, taken, hits int
	first             chan struct{} // closed at the first hit
}

// Hits is how many frames were hit. Of several on their way on a connection
// that a hit ends, the others are not; as many later ones are taken for them.
func (h *Handle) Hits() int {
	h.proxy.mu.Lock()
	defer h.proxy.mu.Unlock()
	return h.hits
}

// Wait waits for the first hit.
func (h *Handle) Wait(ctx context.Context) error {
	select {
	case <-h.first:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Remove ends the Fault; what it holds is delivered.
func (h *Handle) Remove() {
	h.remove.Do(func() {
		h.proxy.forget(h)
		close(h.removed)
	})
}

// hit counts a frame that was hit.
func (h *Handle) hit() {
	h.proxy.mu.Lock()
	defer h.proxy.mu.Unlock()
	h.hits++
	if h.hits == 1 {
		close(h.first)
	}
}

// giveBack takes another frame for one that was taken and never came to be hit.
func (h *Handle) giveBack() {
	h.proxy.mu.Lock()
	defer h.proxy.mu.Unlock()
	h.taken--
}

// takes says whether this frame is to be hit; proxy.mu is held.
func (h *Handle) takes(node int32, r *request) bool {
	f := &h.fault
	most := f.Count
	if most == 0 {
		most = 1
	}
	switch {
	case most > 0 && h.taken == most,
		len(f.Keys) > 0 && !slices.Contains(f.Keys, kmsg.Key(r.key)),
		len(f.Nodes) > 0 && !slices.Contains(f.Nodes, node),
		!strings.Contains(r.client, f.Client):
		return false
	}
	if f.When != nil {
		if decoded := r.decode(); decoded == nil || !f.When(decoded) {
			return false
		}
	}
	h.seen++
	if h.seen <= f.Skip || (h.seen-f.Skip-1)%max(f.Every, 1) != 0 {
		return false
	}
	h.taken++
	return true
}
