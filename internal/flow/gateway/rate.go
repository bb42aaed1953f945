package gateway

import (
	"sync"
	"time"
)

// bucket lets rate events a second through, and a second's worth at once. A nil
// bucket lets all through.
type bucket struct {
	rate float64
	mu   sync.Mutex
	left float64
	at   time.Time
}

func newBucket(rate float64) *bucket {
	if rate <= 0 {
		return nil
	}
	return &bucket{rate: rate, left: max(rate, 1)}
}

// take lets one event through, or says how long until it would.
func (b *bucket) take(now time.Time) (wait time.Duration, ok bool) {
	if b == nil {
		return 0, true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.at.IsZero() {
		b.left = min(b.left+max(now.Sub(b.at).Seconds(), 0)*b.rate, max(b.rate, 1))
	}
	if now.After(b.at) {
		b.at = now
	}
	if b.left < 1 {
		return time.Duration((1 - b.left) / b.rate * float64(time.Second)), false
	}
	b.left--
	return 0, true
}
