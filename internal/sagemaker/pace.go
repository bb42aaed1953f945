package sagemaker

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

const (
	leastPause = 20 * time.Millisecond // between two looks for a result
	mostPause  = 20 * time.Second
	firstGuess = 100 * time.Millisecond
	recentJobs = 31
)

// pace says when to look for a result: a little before half of the last ones were
// there, then ever more rarely. It is safe for concurrent use.
type pace struct {
	mu     sync.Mutex
	recent [recentJobs]time.Duration
	jobs   int
}

// took notes how long a result took.
func (p *pace) took(d time.Duration) {
	p.mu.Lock()
	p.recent[p.jobs%recentJobs] = d
	p.jobs++
	p.mu.Unlock()
}

// first is the pause before the first look. It is less than half of the results take:
// what is found at the first look may have been there for long, and the guess sinks.
func (p *pace) first() time.Duration {
	p.mu.Lock()
	known := slices.Clone(p.recent[:min(p.jobs, recentJobs)])
	p.mu.Unlock()
	if len(known) == 0 {
		return firstGuess
	}
	slices.Sort(known)
	return within(known[len(known)/2] * 4 / 5)
}

// next is the pause after another, with jitter.
func (p *pace) next(last time.Duration) time.Duration {
	return within(last*13/10 + rand.N(last*4/10+1))
}

func within(d time.Duration) time.Duration { return min(max(d, leastPause), mostPause) }
